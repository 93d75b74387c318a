"""Rows that are epochs of one run: trained once, each evaluated with its own weights."""

import csv
import sys
from types import ModuleType

import pytest

from tests.reproduce.test_reproduce_command import cells, starts
from vaelab.cli import main
from vaelab.files import write_json
from vaelab.reproduce import estimate
from vaelab.reproduce.estimate import Cost
from vaelab.runs.evaluated import evaluation_file

EPOCHS = """# A figure over training
title: Over training
overrides: [epochs=3, "snapshots=[1,2,3,9]"]
metric: nll
columns:
  plain: {label: standard prior}
  vamp: {label: VampPrior, overrides: [prior=vamp]}
  gap: {label: gap, metric: kl_qp}
rows:
  e1: {x: 1, overrides: [evaluation.epoch=1]}
  e2: {x: 2, overrides: [evaluation.epoch=2]}
  e3: {x: 3, overrides: [evaluation.epoch=3]}
  e9: {x: 9, overrides: [evaluation.epoch=9]}
cells:
  e1: {plain: null, vamp: null, gap: null}
  e2: {plain: null, vamp: null, gap: null}
  e3: {plain: null, vamp: null, gap: null}
  e9: {plain: null}
"""


@pytest.fixture
def lab_with_epochs(lab, monkeypatch):
    """The lab with configs/figure/over.yaml, and evaluations that give the epoch as NLL."""
    path = lab / "configs" / "figure" / "over.yaml"
    path.parent.mkdir()
    path.write_text(EPOCHS)
    (lab / "configs" / "evaluation" / "paper.yaml").write_text(
        "# All\nsamples: 5000\nepoch: null\n"
    )
    made = []

    def evaluate_run(run, config):
        epoch = config["evaluation"]["epoch"]
        made.append((run.folder, epoch))
        numbers = {"se": 0.1, "estimator": "i", "samples": 5000, "n": 7}
        metrics = {"nll": {"value": epoch, **numbers}, "kl_qp": {"value": -epoch, **numbers}}
        path = evaluation_file(run, config)
        write_json(path, {"metrics": {"test": metrics}, "labels": []})
        return path

    module = ModuleType("vaelab.evaluation.run")
    vars(module)["evaluate_run"] = evaluate_run
    monkeypatch.setitem(sys.modules, "vaelab.evaluation.run", module)
    return lab, made


def test_a_run_is_trained_once_and_every_epoch_evaluated_once(lab_with_epochs):
    lab, made = lab_with_epochs
    assert main(["reproduce", "figure=over"]) == 1  # e9 is refused
    assert sorted(starts(lab).values()) == [1, 1]
    # A run's own results (the stand-in's -90.5) are of its selected epoch: they fill no row.
    plain, vamp = sorted({folder for folder, _ in made}, key=lambda folder: "vamp" in str(folder))
    assert sorted(epoch for folder, epoch in made if folder == plain) == [1, 2, 3]
    assert sorted(epoch for folder, epoch in made if folder == vamp) == [1, 2, 3]
    found = of_columns(lab)
    assert [found["plain", row] for row in ("e1", "e2", "e3")] == ["1.0", "2.0", "3.0"]
    assert [found["vamp", row] for row in ("e1", "e2", "e3")] == ["1.0", "2.0", "3.0"]
    assert [found["gap", row] for row in ("e1", "e2", "e3")] == ["-1.0", "-2.0", "-3.0"]
    before = list(made)
    main(["reproduce", "figure=over"])
    assert made == before
    assert sorted(starts(lab).values()) == [1, 1]


def test_an_epoch_that_training_never_reaches_is_refused(lab_with_epochs, capsys):
    lab, _ = lab_with_epochs
    for budget in ("full", "smoke"):  # not what a smaller budget leaves out
        assert main(["reproduce", "figure=over", f"budget={budget}"]) == 1
        found = cells(lab, f"figures/over/{budget}/figure.csv")
        said = "refused: evaluation.epoch=9: training ends after epochs=3"
        assert found["e9"]["verdict"] == said
        assert f"1 of {10 if budget == 'full' else 7} cells are not done" in capsys.readouterr().err


def test_an_epoch_beyond_the_budget_is_neither_run_nor_missed(lab_with_epochs, capsys):
    lab, made = lab_with_epochs
    words = ["figure=over", "budget=smoke", "rows=e1,e2,e3"]
    assert main(["reproduce", *words]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""  # nothing to try again
    assert "cells: 6 of 6 finished" in captured.out
    assert "3 not in this budget" in captured.out
    assert "\ne3: not in this budget: epoch 3 of at most 2\n" in captured.out
    assert "refused" not in captured.out
    assert {epoch for _, epoch in made} == {1, 2}
    found = cells(lab, "figures/over/smoke/figure.csv")
    assert found["e3"]["verdict"] == "not in this budget: epoch 3 of at most 2"
    assert (found["e3"]["ours"], found["e3"]["inside"]) == ("", "")
    page = lab / "outputs/figures/over/smoke"
    (line,) = [
        one for one in (page / "figure.md").read_text().splitlines() if "| e3 | gap |" in one
    ]
    assert "not in this budget: epoch 3 of at most 2" in line
    assert "not run" not in line
    assert "<dd>not in this budget: epoch 3 of at most 2</dd>" in (page / "figure.html").read_text()
    assert main(["table", "over", "budget=smoke"]) == 0
    assert "6 of 7 finished" in capsys.readouterr().out  # e9 is the one


def test_a_dry_run_names_what_is_beyond_the_budget_once(lab_with_epochs, monkeypatch, capsys):
    monkeypatch.setattr(estimate, "Estimator", lambda: lambda config, run: Cost(((2, 1.0),), 1.0))
    words = ["figure=over", "budget=smoke", "--dry-run"]
    assert main(["reproduce", *words, "rows=e1,e3"]) == 0
    out = capsys.readouterr().out
    assert "\ne3/plain, e3/vamp, e3/gap: not in this budget: epoch 3 of at most 2\n" in out
    assert "2 of 2 runs to do" in out
    assert main(["reproduce", *words]) == 2  # e9 is a mistake


def of_columns(lab):
    with (lab / "outputs/figures/over/full/figure.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {(row["column"], row["row"]): row["ours"] and str(float(row["ours"])) for row in rows}
