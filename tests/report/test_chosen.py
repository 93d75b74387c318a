"""Evaluations made after training: found, named, listed and shown."""

import csv
import json
from pathlib import Path

import pytest

from report import made_up
from vaelab.cli import main
from vaelab.report import page
from vaelab.report.evaluations import key, options
from vaelab.report.record import read

PAPER = options()["paper"]
QUICK = {f"evaluation.{name}": value for name, value in options()["quick"].items()}


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Three seeds of quick evaluations; two of them with paper's too, one with two others."""
    monkeypatch.chdir(tmp_path)
    folders = [
        made_up.write(
            Path(f"outputs/train/a/h/seed{seed}"), QUICK, metrics={"test": made_up.measured(10.0)}
        )
        for seed in (1, 2, 3)
    ]
    for folder, nll in zip(folders, (30.0, 32.0), strict=False):
        # Written to another file than paper's own, as it does not keep what is of each example.
        made_up.evaluate(folder, PAPER | {"per_example": False}, fine(nll), labels=["stand-in"])
    made_up.evaluate(folders[0], PAPER | {"epoch": 13}, fine(77.0), epoch=13)
    made_up.evaluate(folders[0], PAPER, fine(28.0), named="12345678")  # of another trainer
    return folders


def fine(nll):
    words = "importance weighted, 5000 samples"
    return {"test": {"nll": made_up.metric(nll, 0.125, words, 10000) | {"samples": 5000}}}


def table(*words):
    assert main(["report", "formats=csv", "tables=none", *words]) == 0
    with Path("report.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_file_is_known_by_its_settings_and_its_name(runs):
    found = {one.title: one for one in read(runs[0]).evaluations}
    own, *rest = found
    assert own == "own, quick"
    assert {title.partition(", ")[2] for title in rest} == {
        "paper",
        "epoch 13",
        "other settings besides",
    }
    assert found["12345678, other settings besides"].key == "12345678"
    assert [one.key for one in read(runs[1]).evaluations][1] == key(PAPER)


def test_own_numbers_are_shown_and_all_are_listed(runs):
    rows = table()
    shown = [row for row in rows if row["shown"] == "true"]
    assert [(row["evaluation"], row["option"], row["nll.value"]) for row in shown] == [
        ("own", "quick", "10.0")
    ] * 3
    others = [row for row in rows if row["shown"] == "false"]
    assert sorted(row["nll.value"] for row in others) == ["28.0", "30.0", "32.0", "77.0"]
    assert {row["option"] for row in others if row["nll.value"] in ("30.0", "32.0")} == {"paper"}
    listed = page.details(read(runs[1]), Path())["metrics"]
    assert [line[1:4] for line in listed if "paper" in line[0]] == [["test", "nll", "32.00 ± 0.12"]]


def test_papers_are_shown_where_they_are_asked_for_and_the_others_named(runs, capsys):
    assert main(["report", "tables=none", "formats=md,html", "evaluation=paper"]) == 0
    said = "not made of 1 of 3 runs (h/seed3); vaelab evaluate RUN evaluation=paper"
    assert said in capsys.readouterr().out
    text = Path("report.md").read_text()
    assert "31.00 ± 1.41" in text  # over 30 and 32; the root of 2
    assert "10.00" not in text
    assert "Evaluation: paper; evaluation=NAME shows" in text
    assert "stand\\-in" in text or "stand-in" in text  # its label
    assert main(["report", "tables=none", "formats=md", "evaluation=12345678"]) == 0
    assert "28.00 ± 0.12" in Path("report.md").read_text()


def test_columns_are_of_the_evaluation_that_is_shown(runs):
    made_up.write(Path("outputs/train/b/h/seed1"), QUICK | {"evaluation.samples": 50})
    made_up.evaluate(Path("outputs/train/b/h/seed1"), PAPER, fine(33.0))
    assert {row["evaluation.samples"] for row in table() if row["shown"] == "true"} == {"100", "50"}
    rows = [row for row in table("evaluation=paper") if row["shown"] == "true"]
    assert "evaluation.samples" not in rows[0]
    assert [row["nll.value"] for row in rows] == ["30.0", "32.0", "", "33.0"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("papr", "evaluation=papr: no such evaluation; did you mean paper?"),
        ("lagging", "evaluation=lagging: made of no run here; vaelab evaluate RUN evaluation=lag"),
    ],
)
def test_mistakes_are_one_line(runs, capsys, asked, said):
    assert main(["report", "tables=none", f"evaluation={asked}"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not Path("report.html").exists()


@pytest.mark.parametrize("text", ["{", "[]", json.dumps({"metrics": {"test": {"nll": 3}}})])
def test_a_damaged_file_is_named_and_stops_nothing(runs, capsys, text):
    path = runs[2] / "evaluations/abcdef01.json"
    path.parent.mkdir()
    path.write_text(text)
    assert len(table()) == 7
    assert f"{path}: cannot be read, left out" in capsys.readouterr().out
