"""Rows that are epochs of one run: trained once, each evaluated with its own weights."""

import csv
import sys
from types import ModuleType

import pytest

from tests.reproduce.test_reproduce_command import cells, starts
from vaelab.cli import main
from vaelab.evaluated import evaluation_file
from vaelab.files import write_json

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
    # Each run ends with the evaluation of its first row, as the stand-in for training does; that
    # one lacks the gap, which plain's run is asked for too.
    plain, vamp = sorted({folder for folder, _ in made}, key=lambda folder: "vamp" in str(folder))
    assert sorted(epoch for folder, epoch in made if folder == plain) == [1, 2, 3]
    assert sorted(epoch for folder, epoch in made if folder == vamp) == [2, 3]
    found = of_columns(lab)
    assert [found["plain", row] for row in ("e1", "e2", "e3")] == ["-90.5", "2.0", "3.0"]
    assert [found["vamp", row] for row in ("e1", "e2", "e3")] == ["-90.5", "2.0", "3.0"]
    assert [found["gap", row] for row in ("e1", "e2", "e3")] == ["-1.0", "-2.0", "-3.0"]
    before = list(made)
    main(["reproduce", "figure=over"])
    assert made == before
    assert sorted(starts(lab).values()) == [1, 1]


def test_an_epoch_that_training_does_not_reach_is_refused_in_words(lab_with_epochs):
    lab, made = lab_with_epochs
    assert main(["reproduce", "figure=over", "budget=smoke"]) == 1
    found = cells(lab, "figures/over/smoke/figure.csv")
    said = "refused: evaluation.epoch={0}: training ends after epochs={1}"
    assert found["e9"]["verdict"] == said.format(9, 3)  # at the full budget too
    assert found["e3"]["verdict"] == said.format(3, 2)
    assert {epoch for _, epoch in made} == {1, 2}


def of_columns(lab):
    with (lab / "outputs/figures/over/full/figure.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {(row["column"], row["row"]): row["ours"] and str(float(row["ours"])) for row in rows}
