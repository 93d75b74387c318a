"""The text and image tables and presets of SA-VAE say what the notes on it say."""

import math
import re
from pathlib import Path

import pytest

from vaelab.build import build
from vaelab.composing import groups
from vaelab.composing.compose import Composer
from vaelab.composing.validate import validate
from vaelab.reproduce import spec
from vaelab.sweeps.plan import container

CONFIGS = groups.config_dir()
NOTES = Path(__file__).resolve().parents[3] / "shared" / "papers" / "savae.md"
# Rows of the notes' tables by ours.
NAMES = {
    "LSTM-LM (Yang et al. 2017)": "lstm_lm_yang",
    "LSTM-VAE (Yang)": "lstm_vae_yang",
    "LSTM-VAE + init (Yang)": "lstm_vae_init_yang",
    "CNN-LM (Yang)": "cnn_lm_yang",
    "CNN-VAE (Yang)": "cnn_vae_yang",
    "CNN-VAE + init (Yang)": "cnn_vae_init_yang",
    "LM": "lm",
    "Gated PixelCNN": "pixelcnn",
    "VAE": "vae",
    "VAE + init": "vae_init",
    "VAE + word drop 25 %": "vae_drop_25",
    "VAE + word drop 50 %": "vae_drop_50",
    "SVI": "svi",
    "VAE+SVI": "vae_svi",
    "VAE+SVI+KL": "vae_svi_kl",
    "SA-VAE": "sa_vae",
    "IWAE": "iwae",
    "Ladder VAE": "ladder",
    "RBM": "rbm",
    "Discrete VAE": "discrete",
    "DRAW": "draw",
    "Conv DRAW": "conv_draw",
    "VLAE (Chen et al. 2017)": "vlae",
    "VampPrior": "vampprior",
}
TRAINERS = {"svi": "svi", "vae_svi": "vae_svi", "vae_svi_kl": "vae_svi_kl", "sa_vae": "savae"}
TOKENS = 79.8673  # a document of Yahoo's test set
# How the notes mark what is more than recalled, and how certainty says it.
SAID = {
    ("tut",): "read in the authors' tutorial",
    ("lag",): "quoted by He et al. (2019)",
    ("lag", "tut"): "quoted by He et al. (2019) and in the authors' tutorial",
    ("3rd",): "repeated by third parties",
    ("lag", "3rd"): "quoted by He et al. (2019) and repeated by third parties",
}


def cells(name):
    return {cell.name: cell for cell in spec.find("table", name, CONFIGS).cells}


def noted(table, columns):
    """{row/column: (figure, marks)} of a table of section 4.4; a line may hold several rows."""
    if not NOTES.is_file():
        pytest.skip("the notes on the paper are not at hand")
    text = NOTES.read_text(encoding="utf-8").split(f"**Table {table},", 1)[1].split("\n**", 1)[0]
    found = {}
    for line in [one for one in text.splitlines() if one.startswith("|")][2:]:
        label, *texts = (one.replace("*", "").strip() for one in line.strip("|").split("|"))
        label, _, steps = label.partition(" K=")
        if steps:
            rows = [f"{NAMES[label]}_{k}" for k in steps.split(" / ")]
        else:
            rows = [NAMES[one] for one in label.split(" / ")]
        for number, row in enumerate(rows):
            entries = [one for text in texts for one in figures(text.split(" / ")[number])]
            for column, entry in zip(columns, entries, strict=False):
                if entry is not None:
                    found[f"{row}/{column}"] = entry
    return found


def figures(text):
    """[(figure, marks), ...] of "90.05 (2.78) [lag]", whose marks are of both; [None] of "-"."""
    plain, _, marks = text.partition("[")
    marks = tuple(marks.rstrip("]").split(", ")) if marks else ()
    return [(float(one), marks) for one in re.findall(r"\d+\.\d+", plain)] or [None]


@pytest.mark.parametrize(
    ("table", "name", "columns", "count", "recalled"),
    [
        (
            2,
            "savae_text",
            ["bound", "kl", "ppl"],
            20 + 17 + 20,
            {"bound": "recalled, consistent", "kl": "recalled, not", "ppl": "recalled, consistent"},
        ),
        (3, "savae_image", ["bound", "kl"], 20 + 11, dict.fromkeys(("bound", "kl"), "recalled")),
    ],
)
def test_figures_and_how_sure_they_are(table, name, columns, count, recalled):
    wanted, own = noted(table, columns), cells(name)
    assert len(wanted) == count
    assert {key: own[key].published for key in wanted} == {k: v for k, (v, _) in wanted.items()}
    assert all(own[key].published is None for key in own.keys() - wanted.keys())
    for key, (_, marks) in wanted.items():
        certainty = own[key].certainty
        if marks:
            assert certainty == SAID[marks], key
        else:
            assert certainty.startswith(recalled[key.partition("/")[2]]), key
        # What is judged was read somewhere.
        assert own[key].band is None or marks


def test_perplexities_are_those_of_the_bounds():
    """Of every row, within what rounding to a tenth allows."""
    own = cells("savae_text")
    rows = [key.partition("/")[0] for key in own if key.endswith("/ppl")]
    assert len(rows) == 20
    for row in rows:
        bound, ppl = own[f"{row}/bound"].published, own[f"{row}/ppl"].published
        low, high = (math.exp((bound + side * 0.05) / TOKENS) for side in (-1, 1))
        assert low - 0.05 - 1e-9 <= ppl <= high + 0.05 + 1e-9, row


@pytest.mark.parametrize(
    ("table", "preset", "exact", "batch"),
    [("savae_text", "savae/text", "lm", 32), ("savae_image", "savae/image", "pixelcnn", 50)],
)
def test_rows_are_trained_as_the_authors_scripts_do(table, preset, exact, batch):
    common = {f"evaluation.mi_batch={batch}"}
    common |= {"evaluation.autoregressive_samples=500"}
    refined = {"trainer.step_size=1.0", "trainer.momentum=0.5", "trainer.clip=5.0"}
    refined |= {"trainer.inner_reduction=batch_mean"}
    runs = {}
    for cell in cells(table).values():
        assert cell.metric == {"kl": "kl", "ppl": "ppl_bound"}.get(cell.column.name, "-elbo") or (
            cell.row.name == exact or cell.quoted
        )
        if cell.quoted:
            continue
        words = set(cell.overrides)
        assert common <= words
        runs[cell.row.name] = words - common
        assert cell.metric != "-elbo" or cell.row.name != exact  # which has none
    assert runs.pop(exact) == {f"experiment=savae/{'lm' if exact == 'lm' else 'gated_pixelcnn'}"}
    assert runs.pop("vae") == {f"experiment={preset}"}
    assert len(runs) == (10 if exact == "lm" else 11)
    for row, words in runs.items():
        strategy, steps = re.fullmatch(r"(\w+?)_(\d+)(?:_exact)?", row).groups()
        own = {f"experiment={preset}", f"trainer={TRAINERS[strategy]}", f"trainer.steps={steps}"}
        if strategy == "sa_vae":
            own |= {f"trainer.inner_grad={'exact' if row.endswith('exact') else 'official'}"}
        assert words == own | refined, row


def config(*words):
    return validate(container(Composer().cells([*words])[0]))


SGD = {"lr": 1.0, "momentum": 0.0, "weight_decay": 0.0}
ADAM = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0}


@pytest.mark.parametrize(
    ("preset", "architecture", "epochs", "batch", "step"),
    [
        ("text", "lstm_savae", 30, 32, SGD),
        ("text_small", "lstm_savae", 30, 32, SGD),
        ("lm", "lstm_lm", 30, 32, SGD),
        ("image", "resnet_gated_pixelcnn", 100, 50, ADAM),
        ("image_small", "resnet_gated_pixelcnn", 100, 50, ADAM),
        ("gated_pixelcnn", "gated_pixelcnn", 100, 50, ADAM),
    ],
)
def test_presets_are_section_4_1(preset, architecture, epochs, batch, step):
    found = config(f"experiment=savae/{preset}")
    assert found["choices"]["architecture"] == architecture
    assert (found["epochs"], found["batch_size"], found["patience"]) == (epochs, batch, None)
    assert (found["clip_norm"], found["clip_scope"], found["select"]) == (5.0, "all", "best")
    for side in ("phi", "theta"):
        assert {key: found["optimizer"][side][key] for key in step} == step
    rate = {key: found["learning_rate"].get(key) for key in ("start", "least")}
    assert rate == ({"start": 15, "least": 0.03} if step is SGD else {"start": None, "least": None})
    sizes, small = found["architecture"], preset.endswith("small")
    if step is ADAM:
        data = found["dataset"]
        assert (data["protocol"], data["shrink"]) == ("savae", 2 if small else 1)
        assert found["likelihood"]["clamp"] == 1e-5
        assert sizes["channels"] == (16 if small else 32)
    else:
        assert sizes["embedding"] == (64 if small else 512)
    if preset == "lm":
        assert sizes["output_bias"]
        assert sizes["init_weights"] == sizes["init_embeddings"] == 0.1
    if preset in ("lm", "gated_pixelcnn"):
        assert found["bound"]["kl"] == "sampled"
        return
    assert found["bound"]["kl"] == "analytic"
    assert sizes["latent_dim"] == 32


@pytest.mark.parametrize("batches", [7, 447])
def test_the_kl_weight_is_the_authors_at_every_update(batches):
    """Theirs begins at 0.1 and grows by 1 / (10 batches) before each use: nine epochs to 1."""
    words = ["architecture.kernels=[3]", "architecture.channels=2", "architecture.latent_dim=2"]
    beta = build(config("experiment=savae/image_small", *words)).beta
    weight, t = 0.1, 0
    for epoch in range(11):
        for step in range(batches):
            t += 1
            weight = min(1.0, weight + 1 / (10 * batches))
            found = beta.beta(epoch, step, batches)
            assert found == pytest.approx(weight, abs=1e-9)
            assert found == pytest.approx(min(1.0, 0.1 + t / (10 * batches)), abs=1e-9)
    assert beta.warmup == 9
