"""Small runs on sentences from their config to `vaelab sample`, with a latent and without."""

import json
import math

import pytest
from rich.console import Console

from vaelab import fit
from vaelab.cli import main
from vaelab.composing.compose import Composer
from vaelab.composing.validate import validate
from vaelab.runs.run import Run
from vaelab.sweeps.plan import container

TEXT = (
    "dataset=synthetic_text", "dataset.num_train=40", "dataset.num_valid=20", "dataset.num_test=30",
    "dataset.vocabulary=12", "dataset.length=4", "architecture.embedding=5", "batch_size=8",
    "architecture.dropout_in=0.0", "architecture.dropout_out=0.0", "epochs=1", "lightning=cpu",
    "evaluation.autoregressive_samples=2", "evaluation.autoregressive_examples=8",
)  # fmt: skip
MODELS = {
    "lstm": ("architecture.latent_dim=2", "architecture.hidden=[6,6]"),
    "lstm_lm": ("architecture.hidden=6",),
}
HERE = ("lightning=cpu", "threads=1")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAELAB_CACHE", str(tmp_path_factory.mktemp("cache")))
        for option, sizes in MODELS.items():
            words = [f"architecture={option}", *TEXT, *sizes]
            settings = validate(container(Composer().cells(words)[0]))
            run = Run(tmp_path_factory.mktemp(option) / "seed1")
            run.folder.mkdir()
            run.write_config(settings, [])
            fit.fit(settings, run, Console(quiet=True))
            run.update(status="complete")
            found[option] = run
        yield found


def said(capsys, *words, status=0):
    assert main([*map(str, words), *HERE]) == status
    captured = capsys.readouterr()
    return (captured.err if status else captured.out).splitlines()


def test_sentences_are_seen_in_the_terminal_and_in_files(runs, capsys):
    run = runs["lstm"]
    assert {"samples.txt", "reconstructions.txt"} <= {one.name for one in run.figures.iterdir()}
    lines = said(capsys, "sample", run.folder, "--count", 3, "decode=beam", "beam=2")
    assert len(lines) == 3 + 2
    folder = run.folder / "samples"
    assert lines[3:] == [f"{folder}/seed0/samples.npz", f"{folder}/seed0/samples.txt"]
    assert all(set(line.split()) <= {*map(str, range(12)), "<unk>", "(no", "words)"}
               for line in lines[:3])  # fmt: skip
    lines = said(capsys, "sample", run.folder, "reconstruct=2", "z=mean")
    assert sum(line.startswith("original") for line in lines) == 2
    lines = said(capsys, "sample", run.folder, "from=1 2 none", "to='3 4'", "steps=4")
    assert "# to    3 4" in lines
    assert any(line.endswith("read as <unk>: none") for line in lines)
    assert [line[:4] for line in lines if line[:2] in ("0.", "1.")] == [
        "0.00", "0.33", "0.67", "1.00",
    ]  # fmt: skip


def test_runs_are_measured_as_the_paper_measures(runs, capsys):
    for option, run in runs.items():
        said(capsys, "evaluate", run.folder, "evaluation=lagging")
        (written,) = (run.folder / "evaluations").glob("*.json")
        found = json.loads(written.read_text())
        assert (found["evaluation"]["mi_batch"], found["metrics"]["test"]["nll"]["n"]) == (32, 30)
        if option == "lstm":
            metrics = found["metrics"]["test"]
            assert [metrics["nll"]["samples"], metrics["mi"]["batch"]] == [500, 30]
            assert metrics["mi"]["ceiling"] == pytest.approx(math.log(30))


def test_without_a_latent_a_run_ends_in_likelihoods_and_draws_alone(runs, capsys):
    run = runs["lstm_lm"]
    names = {one.name for one in run.figures.iterdir()}
    assert names == {"curves.png", "log_likelihood.png", "samples.txt"}
    assert set(run.read()["metrics"]["test"]) == {"nll", "ppl"}
    assert len(said(capsys, "sample", run.folder, "--count", 5)) == 5 + 2
    (error,) = said(capsys, "sample", run.folder, "reconstruct=2", status=2)
    assert error.endswith("reconstruct=2: this model has no latent to encode into; leave it out")
    for diagnosis in ("ess", "snr"):
        (error,) = said(capsys, "diagnose", diagnosis, run.folder, status=2)
        assert error.endswith("has no latent: there is no posterior to diagnose")
