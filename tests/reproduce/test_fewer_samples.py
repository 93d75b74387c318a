"""IWAE-64 of fewer than 64 samples is marked as what it is, on every page."""

import csv
import sys
from types import ModuleType

import pytest
import torch

from vaelab.cli import main
from vaelab.evaluation.metric import over_examples
from vaelab.files import write_json
from vaelab.reproduce.collect import fewer
from vaelab.runs.evaluated import evaluation_file

TABLE = """# IWAE-64
title: IWAE-64
band: [-9, 9]
overrides: [epochs=3]
columns:
  bound: {label: IWAE-64, metric: iwae}
  gap: {label: "-KL", metric: kl_qp}
  log_p: {label: log p-hat, metric: -nll}
rows:
  one: {label: one}
cells:
  one: {bound: -86.0, gap: -1.0, log_p: -85.0}
"""
SAID = "IWAE-10 instead of IWAE-64"


@pytest.fixture
def lab_with_blocks(lab, monkeypatch):
    """The lab with configs/table/blocks.yaml, and evaluations in blocks of at most all samples."""
    path = lab / "configs" / "table" / "blocks.yaml"
    path.parent.mkdir()
    path.write_text(TABLE)
    (lab / "configs" / "evaluation" / "paper.yaml").write_text("# All\nsamples: 5000\nblock: 64\n")

    def evaluate_run(run, config):
        samples = config["evaluation"]["samples"]
        k = min(samples, config["evaluation"]["block"])
        metrics = {
            "nll": over_examples(torch.tensor([85.0, 85.5]), "i", samples),
            "iwae": over_examples(torch.tensor([-86.0, -86.5]), "i", samples, k=k),
            "kl_qp": over_examples(torch.tensor([-1.0, -1.0]), "i", samples, k=k),
        }
        path = evaluation_file(run, config)
        found = {name: one.as_dict() for name, one in metrics.items()}
        write_json(path, {"metrics": {"test": found}, "labels": []})
        return path

    module = ModuleType("vaelab.evaluation.run")
    vars(module)["evaluate_run"] = evaluate_run
    monkeypatch.setitem(sys.modules, "vaelab.evaluation.run", module)
    return lab


def test_every_page_marks_it(lab_with_blocks, capsys):
    assert main(["reproduce", "table=blocks", "evaluation.samples=10"]) == 0
    (page,) = (lab_with_blocks / "outputs/tables/blocks").iterdir()
    with (page / "table.csv").open() as file:
        marks = {row["column"]: row["marks"].split("; ") for row in csv.DictReader(file)}
    changed = "changed: evaluation.samples=10"
    assert marks == {"bound": [changed, SAID], "gap": [changed, SAID], "log_p": [changed]}
    for name in ("table.md", "table.html", "table.tex"):
        assert SAID in (page / name).read_text()
    assert SAID in capsys.readouterr().out


def test_all_samples_in_their_blocks_are_judged(lab_with_blocks):
    assert main(["reproduce", "table=blocks", "columns=bound,gap"]) == 0
    page = lab_with_blocks / "outputs/tables/blocks/full/table.csv"
    assert SAID not in page.read_text()
    with page.open() as file:
        verdicts = {row["column"]: row["verdict"] for row in csv.DictReader(file)}
    assert verdicts["bound"] == verdicts["gap"] == "inside the band"


@pytest.mark.parametrize(
    ("metric", "evaluation", "said"),
    [
        ({"k": 10}, {"block": 64}, (SAID,)),
        ({"k": 64}, {"block": 64}, ()),
        ({}, {"block": 64}, ()),  # an NLL
        ({"k": 10}, {}, ()),  # an evaluation without blocks
    ],
)
def test_only_a_bound_of_fewer_than_asked_for_is_marked(metric, evaluation, said):
    assert fewer(metric, evaluation) == said
