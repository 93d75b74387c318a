"""Evaluating the weights of an epoch that a run kept, at its end or later."""

import json

import pytest
from rich.console import Console
from small import config

from vaelab import fit
from vaelab.errors import UserError
from vaelab.evaluated import results
from vaelab.evaluation.run import evaluate_run
from vaelab.run import Run

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


def test_a_run_is_evaluated_at_the_epoch_that_its_evaluation_names(tmp_path):
    run, settings = fitted(tmp_path / "two", "evaluation.epoch=1")
    found = run.read()
    assert found["checkpoint"] == {"file": "epoch-1.ckpt", "epoch": 1}
    assert found["model"]["epoch"] == found["best"]["epoch"] == 2
    # A run that ended there, with the weights that are then its best.
    other, _ = fitted(tmp_path / "one", "epochs=1")
    assert other.read()["metrics"] == found["metrics"]
    assert other.read()["checkpoint"] == {"file": "best.ckpt", "epoch": 1}
    # The other way round, later: the best of the first, its epoch 1 again from its file.
    best = settings | {"evaluation": settings["evaluation"] | {"epoch": None}}
    again = json.loads(evaluate_run(run, best).read_text())
    assert again["checkpoint"] == {"file": "best.ckpt", "epoch": 2}
    assert again["metrics"] != found["metrics"]
    first = json.loads(evaluate_run(run, settings).read_text())
    assert first["checkpoint"] == {"file": "epoch-1.ckpt", "epoch": 1}
    assert first["metrics"] == found["metrics"]
    assert results(run, settings, "test") == found
    assert results(run, best, "test") == again


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
