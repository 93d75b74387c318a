"""Which epoch is the run's model: the best by validation, or the last; in results and in files."""

import json

import pytest
import torch
from rich.console import Console
from small import config, make_task

from vaelab import fit
from vaelab.build import build, construct
from vaelab.checkpoint import load_model, read
from vaelab.errors import UserError
from vaelab.evaluation.run import evaluate_run
from vaelab.runs.again import settings_for
from vaelab.runs.run import Run

# So high a rate that the last epoch is not the best.
FAST = ["epochs=3", "optimizer.phi.lr=0.5", "optimizer.theta.lr=0.5"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One training, evaluated with either selection."""
    found = {}
    for select in ("best", "last"):
        folder = tmp_path_factory.mktemp(select)
        settings = config(*FAST, f"select={select}")
        run = Run(folder)
        run.write_config(settings, [])
        fit.fit(settings, run, Console(quiet=True))
        run.update(status="complete")
        found[select] = run
    return found


def epochs(run):
    files = ("best", "last")
    return tuple(read(run.checkpoints / f"{f}.ckpt")["progress"]["epoch"] for f in files)


def test_both_trainings_are_the_same_and_the_best_epoch_is_not_the_last(runs):
    best, last = epochs(runs["best"])
    assert (best, last) == epochs(runs["last"])
    assert best < last == 3


def test_results_say_which_epoch_they_are_of_and_still_which_was_best(runs):
    best, last = epochs(runs["best"])
    results = {select: run.read() for select, run in runs.items()}
    assert results["best"]["model"] == {"epoch": best, "select": "best"}
    assert results["last"]["model"] == {"epoch": last, "select": "last"}
    assert results["best"]["best"] == results["last"]["best"]
    assert results["best"]["best"]["epoch"] == best
    assert results["best"]["metrics"] != results["last"]["metrics"]


@pytest.mark.parametrize("select", ["best", "last"])
def test_metrics_are_those_of_the_selected_weights(runs, select):
    run = runs[select]
    task = make_task(run.config, build(run.config).dataset.load())
    load_model(task, run.checkpoints / f"{select}.ckpt")
    task.eval()
    evaluation = construct(run.config["evaluation"], {})
    with torch.no_grad():
        found = evaluation(
            task.vae, lambda batch: task.vae.encoder(batch.x), task.splits.test, "test", True
        )
    expected = run.read()["metrics"]["test"]["nll"]["value"]
    assert found.metrics["nll"].value == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("select", ["best", "last"])
def test_a_later_evaluation_takes_the_same_weights_and_can_take_the_others(runs, select):
    run, (best, last) = runs[select], epochs(runs[select])
    quick = ["evaluation.samples=4", "evaluation.examples=20", "evaluation.splits=[test]"]
    for asked, file in (([], select), (["select=best"], "best"), (["select=last"], "last")):
        settings = settings_for(run, [*quick, *asked, "lightning=cpu"])
        stored = json.loads(evaluate_run(run, settings).read_text())
        epoch = {"best": best, "last": last}[file]
        assert stored["checkpoint"] == {"file": f"{file}.ckpt", "epoch": epoch}


def test_a_bound_that_changes_takes_the_last_epoch_and_no_patience():
    with pytest.raises(UserError) as refused:
        build(config("bound=elbo_then_iwae"))
    assert str(refused.value).startswith(
        "bound=elbo_then_iwae cannot be used with select=best and patience=50: "
    )
    assert str(refused.value).endswith("set select=last patience=null")
    build(config("bound=elbo_then_iwae", "select=last", "patience=null"))
    words = ("bound=elbo_then_iwae", "select=last", "patience=null", "learning_rate=reload_decay")
    with pytest.raises(UserError, match=r"cannot be used with learning_rate=reload_decay: its"):
        build(config(*words))
