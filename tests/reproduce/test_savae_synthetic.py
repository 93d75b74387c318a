"""SA-VAE's synthetic table and preset say what the notes on the paper say."""

import re
from pathlib import Path

import pytest

from vaelab.composing import groups
from vaelab.composing.compose import Composer
from vaelab.composing.validate import validate
from vaelab.reproduce import spec
from vaelab.sweeps.plan import container

CONFIGS = groups.config_dir()
NOTES = Path(__file__).resolve().parents[3] / "shared" / "papers" / "savae.md"
NAMES = {"VAE": "vae", "SVI (20)": "svi", "SA-VAE (20)": "sa_vae"}
STEPS = {
    "trainer.steps": "20",
    "trainer.step_size": "1.0",
    "trainer.momentum": "0.5",
    "trainer.clip": "1.0",
    "trainer.inner_reduction": "batch_mean",
}
TRAINERS = {"svi": "svi", "vae_svi": "vae_svi", "vae_svi_kl": "vae_svi_kl", "sa_vae": "savae"}
TRAINERS |= {"sa_vae_official": "savae"}
GRADIENTS = {"sa_vae": "exact", "sa_vae_official": "official"}


def cells():
    return {cell.name: cell for cell in spec.find("table", "savae_synthetic", CONFIGS).cells}


def config(*words):
    return validate(container(Composer().cells([*words])[0]))


def test_figures_are_the_notes():
    if not NOTES.is_file():
        pytest.skip("the notes on the paper are not at hand")
    text = NOTES.read_text(encoding="utf-8").split("**Table 1, synthetic", 1)[1]
    text = text.split("**Table 2", 1)[0]
    truth = float(re.search(r"true NLL (\d+\.\d+)", text).group(1))
    own, found = cells(), {}
    for line in text.splitlines():
        label, *numbers = (one.strip() for one in line.strip("|").split("|"))
        if label in NAMES:
            found[NAMES[label]] = [float(number.lstrip("≤ ")) for number in numbers]
    assert list(found) == ["vae", "svi", "sa_vae"]
    found["sa_vae_official"] = found["sa_vae"]  # by which of the two gradients is not known
    for row, figures in found.items():
        for column, figure in zip(("oracle", "learned"), figures, strict=True):
            assert own[f"{row}/{column}"].published == figure
            gap = own[f"{row}/{column}_gap"]
            assert gap.published == pytest.approx(figure - truth)
            assert gap.above == "truth"
    assert {own[f"truth/{column}"].published for column in ("oracle", "learned")} == {truth}
    assert not any("svi/" in name and own[name].published for name in own if name[:4] == "vae_")
    assert all(cell.certainty.startswith("recalled, not confirmed") for cell in own.values())


def test_rows_differ_in_inference_alone():
    for name, cell in cells().items():
        row, column = name.split("/")
        words = dict(text.split("=", 1) for text in cell.overrides)  # the last word on a name
        generator = "oracle" if row == "truth" or column.startswith("oracle") else "learned"
        assert words.pop("architecture.generator") == generator
        assert words.pop("experiment") == "savae/synthetic"
        assert words.pop("evaluation.autoregressive_samples") == "1000"
        assert cell.metric == ("nll" if row == "truth" else "-elbo")
        if row == "truth" or (row, generator) == ("svi", "oracle"):  # nothing is trained
            assert words.pop("epochs") == "1"
        if row == "truth":
            assert words == {"trainer": "svi", "trainer.steps": "0"}
        elif row == "vae":
            assert words == {}
        else:
            gradient = {"trainer.inner_grad": GRADIENTS[row]} if row in GRADIENTS else {}
            assert words == {"trainer": TRAINERS[row]} | STEPS | gradient


def test_the_preset_is_sections_3_3_and_4_1():
    found = config("experiment=savae/synthetic")
    sizes = {"num_train": 5_000, "num_valid": 5_000, "num_test": 5_000}
    assert found["dataset"].items() >= {**sizes, "vocabulary": 1_000, "length": 5}.items()
    wanted = {"latent_dim": 2, "embedding": 100, "generator": "learned"}
    assert found["architecture"].items() >= wanted.items()
    assert list(found["architecture"]["hidden"]) == [100, 100]
    for side in found["optimizer"].values():
        assert (side["_target_"], side["lr"], side["momentum"]) == ("torch.optim.SGD", 1.0, 0.0)
    assert (found["epochs"], found["batch_size"], found["patience"]) == (20, 50, None)
    assert (found["clip_norm"], found["clip_scope"], found["select"]) == (5.0, "all", "best")
    rate = found["learning_rate"]
    assert rate.pop("_target_") == "vaelab.learning_rate.halving.Halving"
    assert rate == {"start": 5, "least": 0.0}
    assert found["beta"]["value"] == 1.0
    assert found["bound"]["kl"] == "analytic"
