import itertools
import logging
from types import SimpleNamespace

import pytest

from report import made_up
from vaelab.callback import warnings
from vaelab.report.collapse import collapse, sentence
from vaelab.report.record import read


@pytest.mark.parametrize(
    ("kl", "au", "epoch"), [*itertools.product((0.0, 0.0999, 0.1, 5.0), (0, 1), (3, 4))]
)
def test_it_is_the_rule_of_the_warning_in_training(kl, au, epoch, caplog, monkeypatch):
    class Task(SimpleNamespace):
        pass

    monkeypatch.setattr(warnings, "Task", Task)
    progress = SimpleNamespace(epoch=epoch - 1)
    task = Task(progress=progress, row={"val/kl": kl, "val/au": au})
    with caplog.at_level(logging.WARNING):
        warnings.CollapseWarning(units=40).on_validation_end(None, task)
    assert bool(sentence(kl, au, epoch)) == ("has collapsed" in caplog.text)


def test_it_says_why(tmp_path):
    metrics = {"test": made_up.measured(kl=0.05, au=0)}
    training = {"epochs": 9, "ended": "x"}
    folder = made_up.write(tmp_path / "h/seed1", metrics=metrics, training=training)
    assert collapse(read(folder)) == "likely: no active unit, KL < 0.1 nats"


def test_a_run_that_trains_is_judged_by_its_last_epoch(tmp_path):
    rows = [dict(made_up.ROWS[0], epoch=epoch) for epoch in range(1, 6)]
    rows[-1]["val/kl"] = 0.01
    folder = made_up.write(tmp_path / "h/seed1", metrics={}, rows=rows, training={})
    assert collapse(read(folder)) == "likely: KL < 0.1 nats"


def test_a_model_without_a_latent_cannot_collapse(tmp_path):
    changes = {"architecture": {"_target_": "vaelab.architecture.pixelcnn.PixelCnn"}}
    rows = [dict(made_up.ROWS[0], epoch=9, **{"val/kl": 0.0, "val/au": 0})]
    metrics = {"test": {"nll": made_up.metric(3.0)}}
    folder = made_up.write(tmp_path / "h/seed1", changes, metrics=metrics, rows=rows)
    assert collapse(read(folder)) is None
