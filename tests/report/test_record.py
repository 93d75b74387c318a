import json

import pytest

from report import made_up
from vaelab.report.history import POINTS, History
from vaelab.report.record import read
from vaelab.runs.run import Run


def test_a_finished_run(tmp_path):
    record = read(made_up.write(tmp_path / "h/seed3", typed=["prior=vamp", "seed=3"]))
    assert (record.status, record.reason, record.seed, record.epochs) == ("complete", "", 3, 2)
    assert record.name == "h/seed3"
    assert record.command == "vaelab train prior=vamp seed=3"
    assert record.units == 40
    assert record.metrics["nll"]["value"] == 25.0


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("results.json", '{"status": "compl', "results.json cannot be read"),
        ("results.json", "[]", "results.json"),
        ("results.json", '{"metrics": {"test": {"nll": 3}}}', "metrics.test.nll has no value"),
        ("results.json", '{"metrics": {"test": {"nll": {"value": "<b>"}}}}', "has no value"),
        ("config.yaml", "a: [", "config.yaml cannot be read"),
        ("config.yaml", "- 1\n- 2\n", "config.yaml cannot be read"),
        ("config.yaml", "seed: 1\n", "config.yaml cannot be read"),
        ("config.yaml", None, "half written: no config.yaml"),
    ],
)
def test_a_damaged_folder_says_what_is_wrong(tmp_path, name, content, said):
    folder = made_up.write(tmp_path / "h/seed1")
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(content)
    record = read(folder)
    assert record.status == "damaged"
    assert said in record.reason


def test_running_is_believed_while_the_lock_is_held(tmp_path):
    folder = made_up.write(tmp_path / "h/seed1", metrics={}, status="running", training={})
    with Run(folder).lock():
        assert read(folder).status == "running"
    record = read(folder)
    assert record.status == "interrupted"
    assert record.epochs == 2  # of metrics.csv


def test_a_failed_run_keeps_its_reason(tmp_path):
    folder = made_up.write(tmp_path / "h/seed1", metrics={}, status="failed", reason="loss is nan")
    record = read(folder)
    assert (record.status, record.reason) == ("failed", "loss is nan")


def test_a_run_of_nothing_but_a_config_was_interrupted(tmp_path):
    folder = made_up.write(tmp_path / "h/seed1")
    (folder / "results.json").unlink()
    assert read(folder).status == "interrupted"


def test_the_last_line_of_a_history_may_be_half_written(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("epoch,val/bound,note\n1,-20.5,x\n2,,\n3,-1")  # -19.25 is being written
    history = History.read(path)
    assert history.rows == [{"epoch": 1.0, "val/bound": -20.5}, {"epoch": 2.0}]
    assert history.epochs == 2
    assert history.curves() == {"epoch": [1, 2], "val/bound": [-20.5, None]}


def test_long_curves_are_thinned_and_keep_their_ends(tmp_path):
    rows = [{"epoch": float(one), "beta": one / 3000} for one in range(1, 3001)]
    curves = History(rows).curves()
    assert len(curves["epoch"]) == len(curves["beta"]) == POINTS
    assert (curves["epoch"][0], curves["epoch"][-1]) == (1, 3000)
    assert curves["epoch"] == sorted(set(curves["epoch"]))


def test_what_cannot_be_drawn_is_none():
    curves = History([{"epoch": 1.0, "val/kl": float("nan"), "beta": float("inf")}]).curves()
    assert json.loads(json.dumps(curves, allow_nan=False))["val/kl"] == [None]
