"""What is printed of many runs: the log-likelihood and the truth's, where there are any."""

import pytest

from vaelab.files import write_json
from vaelab.reporting.summary import number, show_all
from vaelab.runs.run import Run


def value(of, se=0.01):
    return {"value": of, "se": se, "estimator": "", "samples": None, "n": 9}


def runs(tmp_path, *metrics):
    found = []
    for seed, one in enumerate(metrics, 1):
        folder = tmp_path / f"seed{seed}"
        folder.mkdir()
        run = Run(folder)
        write_json(run.results, {"status": "complete", "metrics": {"test": one}})
        found.append(run)
    return found


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")


def test_the_truth_stands_beside_the_log_likelihood(tmp_path, capsys):
    both = {"nll": value(0.9), "log_likelihood": value(-0.883), "log_likelihood_true": value(-0.87)}
    show_all(runs(tmp_path, both, {"nll": value(0.95)}), [["seed=1"], ["seed=2"]])
    head, *rows = [
        line for line in capsys.readouterr().out.splitlines() if "┃" in line or "│" in line
    ]
    titles = [title.strip() for title in head.split("┃")]
    cells = [[cell.strip() for cell in row.split("│")] for row in rows]
    there = titles.index("test log likelihood")
    assert titles[there + 1] == "test log likelihood true"
    assert cells[0][there : there + 2] == ["-0.883 ± 0.010", "-0.870 ± 0.010"]
    assert cells[1][there : there + 2] == ["", ""]


def test_there_is_no_column_where_no_run_has_one(tmp_path, capsys):
    show_all(runs(tmp_path, {"nll": value(0.9)}), [["seed=1"]])
    assert "likelihood" not in capsys.readouterr().out


def test_a_paired_gap_keeps_the_digits_of_its_error():
    assert number(value(0.01234, 0.00087)) == "0.01234 ± 0.00087"
