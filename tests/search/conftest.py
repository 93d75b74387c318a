"""A search whose trials are ordinary runs, but for training, which counts epochs up a known curve.

The bound of epoch e is the run's quality less 10 / e, so that the last epoch is the best. Quality
is minus the distance of prior.components from 40 (standard: -60), less that of clip_norm from 3.
"""

import os
import sys
import time
from contextlib import suppress

import pytest
import stand_in

from search.forks import fork, kill
from vaelab.cli import main
from vaelab.errors import Pruned
from vaelab.search import make, report

SPACE = """# A test
space:
  prior: [standard, vamp]
  prior.components: {low: 10, high: 70, int: true, when: {prior: vamp}}
  clip_norm: {low: 1, high: 5}
settings: {epochs: 4}
trials: 6
pruner: none
"""


FAILING = 13  # a batch size


def quality(config) -> float:
    components = config["prior"].get("components", 100)
    return -abs(components - 40) - abs((config["clip_norm"] or 3) - 3)


def fit(config, run, console=None, label="", *extra) -> None:
    run.checkpoints.mkdir(exist_ok=True)
    with (run.folder / "starts").open("a") as starts:
        starts.write(f"{os.getpid()}\n")
    if config["batch_size"] == FAILING:
        raise RuntimeError("the loss is not a number")
    done, rows = run.checkpoints / "last.ckpt", ["epoch,val/bound"]
    first = int(done.read_text()) if done.is_file() else 0
    with (run.folder / "epochs").open("a") as epochs:
        for epoch in range(1, config["epochs"] + 1):
            bound = quality(config) - 10 / epoch
            rows.append(f"{epoch},{bound!r}")
            if epoch > first:
                time.sleep(float(os.environ.get("STAND_IN_SECONDS", "0")))
                epochs.write(f"{epoch} ")
                epochs.flush()
                done.write_text(str(epoch))
            (run.folder / "metrics.csv").write_text("\n".join(rows) + "\n")
            if any(one.judge(epoch, bound) for one in extra):
                raise Pruned(f"pruned after epoch {epoch}")
    best = {"epoch": epoch, "val_bound": bound, "bound_beta": 1.0}
    value = {"value": -quality(config), "se": 0.1, "estimator": "importance"}
    model, metrics = {"epoch": epoch, "select": "best"}, {"valid": {"nll": value}, "test": {}}
    run.update(best=best, model=model, metrics=metrics)


@pytest.fixture
def bench(checked, monkeypatch):
    """The same without what takes seconds: composing the whole space first, and figures."""
    monkeypatch.setattr(make, "check_space", lambda *_: None)
    monkeypatch.setattr(report.figures, "draw", lambda *_: [])
    return checked


@pytest.fixture
def checked(lab, monkeypatch):
    """The folder of a search, space.yaml in it."""
    vars(sys.modules["vaelab.fit"])["fit"] = fit
    monkeypatch.setattr(stand_in.Joint, "criterion", "val/bound", raising=False)
    monkeypatch.setattr(stand_in.Linear, "warmup", 0, raising=False)
    monkeypatch.setattr(stand_in.Elbo, "at", lambda self, epoch: self, raising=False)
    (lab / "space.yaml").write_text(SPACE)
    return lab


@pytest.fixture
def forked():
    """Starts the command in a process of its own that need not import anything again."""
    begun = []

    def start(*words: str) -> int:
        process = fork()
        if process == 0:
            os._exit(main(list(words)))
        begun.append(process)
        return process

    yield start
    for process in begun:
        with suppress(ProcessLookupError, ChildProcessError):
            kill(process)
