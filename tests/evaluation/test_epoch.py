"""Evaluating the weights of an epoch that a run kept, at its end or later."""

import json

import pytest
from rich.console import Console
from small import SMALL, config

from vaelab import fit
from vaelab.cli import main
from vaelab.errors import UserError
from vaelab.evaluation.run import evaluate_run
from vaelab.runs.evaluated import results
from vaelab.runs.run import Run

FEW = ("epochs=2", "snapshots=[1]", "evaluation.samples=3", "evaluation.examples=10")


def fitted(folder, *overrides):
    run = Run(folder)
    settings = config(*FEW, *overrides)
    run.write_config(settings, [])
    with run.lock():
        run.update(status="running")
        fit.fit(settings, run, Console(quiet=True))
        run.update(status="complete")
    return run, settings


def test_a_run_s_own_results_are_of_its_model_and_other_epochs_are_beside_them(tmp_path):
    run, settings = fitted(tmp_path / "two", "evaluation.epoch=1")
    found = run.read()
    assert found["checkpoint"] == {"file": "best.ckpt", "epoch": 2}
    assert found["model"]["epoch"] == found["best"]["epoch"] == 2
    best = settings | {"evaluation": settings["evaluation"] | {"epoch": None}}
    assert results(run, best, "test") == found
    assert results(run, settings, "test") is None  # nobody has looked at epoch 1 yet
    first = json.loads(evaluate_run(run, settings).read_text())
    assert first["checkpoint"] == {"file": "epoch-1.ckpt", "epoch": 1}
    assert first["metrics"] != found["metrics"]
    assert results(run, settings, "test") == first
    assert run.read() == found
    # A run that ended there, with the weights that are then its best.
    other, _ = fitted(tmp_path / "one", "epochs=1")
    assert other.read()["metrics"] == first["metrics"]
    assert other.read()["checkpoint"] == {"file": "best.ckpt", "epoch": 1}


def test_train_evaluates_the_epoch_that_is_named_besides(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    words = ["train", *SMALL, *FEW]
    assert main(words) == 0
    own = capsys.readouterr().out
    assert "model: epoch 2 of 2, the best" in own
    assert "weights: epoch" not in own
    for _ in range(2):  # the run is there; the second time its evaluation is, too
        assert main([*words, "evaluation.epoch=1"]) == 0
        said = capsys.readouterr().out
        assert "is complete" in said
        assert "model: epoch 2 of 2, the best" in said
        assert "weights: epoch 1 (epoch-1.ckpt)" in said
    (run,) = tmp_path.glob("outputs/train/*/*/seed1")
    assert len(list(run.glob("evaluations/*.json"))) == 1


def test_an_epoch_that_was_not_reached_is_refused_by_those_that_were(tmp_path):
    run, settings = fitted(tmp_path)
    wanted = settings | {"evaluation": settings["evaluation"] | {"epoch": 2}}
    with pytest.raises(UserError, match=r"epoch=2: .* there are 1 \(snapshots=\[2\]"):
        evaluate_run(run, wanted)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["evaluation.epoch=2"], "only those of 1 are"),
        (["evaluation.epoch=2", "snapshots=null"], "snapshots=null keeps none"),
        (["evaluation.epoch=4", "snapshots=[1,4]"], "training ends after epochs=2"),
        (["snapshots=[4,1]"], "snapshots=[4, 1]: must be epochs counted from 1, the earlier first"),
        (["snapshots=[0,1]"], "counted from 1"),
        (["snapshots=[]"], "null for none"),
        (["snapshots=[1.5]"], "must be a list, each a whole number"),
    ],
)
def test_what_cannot_be_is_said_before_training(words, said):
    with pytest.raises(UserError) as caught:
        config(*FEW, *words)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
