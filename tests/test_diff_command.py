import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
from report import made_up
from rich.console import Console

from vaelab.cli import main
from vaelab.report import compared, difference, difference_text
from vaelab.runs.run import Run

VAMP = {"choices.prior": "vamp", "prior": {"_target_": "vaelab.prior.vamp.Vamp", "components": 500}}


def two(tmp_path, changes=(), metrics=None, **results):
    a = made_up.write(tmp_path / "a/seed1")
    b = made_up.write(tmp_path / "b/seed1", changes, metrics=metrics, **results)
    return Run(a), Run(b)


def test_a_run_and_itself_are_the_same(tmp_path, capsys):
    folder = str(made_up.write(tmp_path / "a/seed1"))
    assert main(["diff", folder, folder]) == 0
    said = capsys.readouterr().out
    assert "settings: the same" in said
    assert said.endswith("\nthe same\n")


def test_settings_choices_first_where_and_how_last(tmp_path):
    changes = {**VAMP, "threads": 2, "epochs": 20, "choices.dataset": "mnist", "precision": 32}
    assert difference.settings(*two(tmp_path, changes)) == [
        ("dataset", "digits", "mnist"),
        ("prior", "standard", "vamp"),
        ("epochs", "10", "20"),
        ("prior.components", None, "500"),
        ("threads", "null", "2"),
    ]


def test_a_class_that_changed_below_one_name(tmp_path):
    found = difference.settings(*two(tmp_path, {"prior._target_": "mine.Prior"}))
    assert found == [("prior._target_", "vaelab.prior.standard.Standard", "mine.Prior")]


@pytest.mark.parametrize(
    ("changes", "results", "how"),
    [
        ({}, {}, compared.SAME),
        ({"dataset.data_dir": "there"}, {}, compared.SAME),
        ({"dataset.split_seed": 1}, {}, compared.INDEPENDENT),
        ({"max_examples": 300}, {}, compared.INDEPENDENT),
        ({"evaluation.seed": 2}, {}, compared.INDEPENDENT),
        ({}, {"own_files": {"train": "0a"}}, compared.INDEPENDENT),
    ],
)
def test_differences_and_what_their_error_supposes(tmp_path, changes, results, how):
    metrics = {"test": {"nll": made_up.metric(23.0, 0.6), "au": made_up.measured()["au"]}}
    nll, au = compared.metrics(*two(tmp_path, changes, metrics, **results))
    assert (nll.name, nll.difference, nll.how) == ("nll", -2.0, how)
    assert nll.se == pytest.approx(0.65)  # of 0.25 and 0.6
    assert (au.name, au.difference, au.se, au.how) == ("au", 0, None, "")


def test_other_numbers_of_examples_have_no_difference(tmp_path):
    (nll,) = compared.metrics(*two(tmp_path, (), {"test": {"nll": made_up.metric(23.0, n=9)}}))
    assert nll.how == compared.UNLIKE


@pytest.mark.parametrize("how", [{"estimator": "exact"}, {"samples": 500}, {"n": 249}])
def test_what_was_measured_otherwise_is_shown_without_a_difference(tmp_path, capsys, how):
    ess = made_up.metric(6.36, estimator="(sum w)^2 / sum w^2")
    a = made_up.write(tmp_path / "a/seed1", metrics={"test": {"ess": ess}})
    other = {**ess, "value": 11.75} | how
    b = made_up.write(tmp_path / "b/seed1", metrics={"test": {"ess": other}})
    (one,) = compared.metrics(Run(a), Run(b))
    assert (one.a, one.b, one.difference, one.se) == (6.36, 11.75, None, None)
    assert main(["diff", str(a), str(b)]) == 1
    said = capsys.readouterr().out
    assert "6.36 ± 0.25  11.75 ± 0.25  " in said
    assert "5.39" not in said
    assert "measured otherwise: (sum w)^2 / sum w^2, 100 samples, 250 test examples / " in said


@pytest.mark.parametrize("turned", [False, True])
def test_own_results_are_held_against_an_evaluation_of_the_same_settings(tmp_path, turned):
    more = {"test": {"nll": made_up.metric(24.0, 0.6, "importance weighted, 500 samples")}}
    a, b = two(tmp_path, {"evaluation.samples": 500}, more)
    fine = {"test": {"nll": made_up.metric(22.0, 0.25, "importance weighted, 500 samples")}}
    made_up.evaluate(a.folder, {"samples": 500, "splits": ["test"], "per_example": True}, fine)
    own, other = compared.metrics(*((b, a) if turned else (a, b)))
    assert own.how == compared.UNLIKE
    assert other.difference == (-2.0 if turned else 2.0)
    assert other.se == pytest.approx(0.65)
    assert other.how == compared.SAME
    assert "own results" in other.source
    assert difference.only(a, b) == ["test kl", "test mi", "test au"]  # and no evaluation
    assert len(list(compared.metrics(a, a))) == 5  # the four of its own results, once; and this


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ({"own_files": {"path": "0a"}}, {"own_files": {"path": "0b"}}, "on different files"),
        ({"own_files": {"path": "0a"}}, {}, "B keeps no checksums of its files"),
        ({}, {"own_files": {"path": "0a"}}, "A keeps no checksums of its files"),
        ({"data": {"content": "0a"}}, {"data": {"content": "0b"}}, "different data: content"),
    ],
)
def test_other_data_are_said(tmp_path, capsys, one, other, said):
    a = made_up.write(tmp_path / "a/seed1", **one)
    b = made_up.write(tmp_path / "b/seed1", **other)
    assert main(["diff", str(a), str(b)]) == 1
    printed = capsys.readouterr().out
    (line,) = [line for line in printed.splitlines() if line.startswith("data: ")]
    assert said in line
    assert not printed.endswith("\nthe same\n")


def test_examples_that_were_kept_give_the_paired_error(tmp_path):
    a, b = two(tmp_path)
    index, x, y = np.array([2, 0, 1]), np.array([1.0, 5.0, 9.0]), np.array([2.0, 6.0, 13.0])
    for run, nll in ((a, x), (b, y)):
        folder = run.folder / "evaluations"
        folder.mkdir()
        metrics = {"test": {"nll": made_up.metric(float(nll.mean()))}}
        (folder / "ab.json").write_text(json.dumps({"metrics": metrics}))
        np.savez(folder / "ab-test.npz", index=index, nll=nll)
    found = [one for one in compared.metrics(a, b) if one.how == compared.PAIRED]
    (paired,) = found
    assert (paired.split, paired.name, paired.difference) == ("test", "nll", 2.0)
    # Differences 1, 1 and 4: variance (1 + 1 + 4) / 2 = 3, and the root of 3 / 3.
    assert paired.se == pytest.approx(1.0)
    np.savez(b.folder / "evaluations/ab-test.npz", index=index[::-1], nll=y)
    assert compared.PAIRED not in [one.how for one in compared.metrics(a, b)]


def test_two_that_diverged_are_alike_and_one_is_not(tmp_path):
    nan = {"test": {"nll": made_up.metric(math.nan, math.nan)}}
    a = Run(made_up.write(tmp_path / "a/seed1", metrics=nan))
    b = Run(made_up.write(tmp_path / "b/seed1", metrics=nan))
    c = Run(made_up.write(tmp_path / "c/seed1"))
    assert next(compared.metrics(a, b)).difference == 0
    assert difference_text.show(a, b) is False
    assert difference_text.show(a, c) is True


def test_what_only_one_has_and_the_status(tmp_path, capsys):
    a = made_up.write(tmp_path / "a/seed1", figures=("samples.png",))
    metrics = {"test": {"nll": made_up.metric(25.0), "bpd": made_up.metric(1.0)}}
    b = made_up.write(tmp_path / "b/seed1", metrics=metrics)
    assert main(["diff", str(a), str(b)]) == 1
    said = capsys.readouterr().out
    assert "only A has: test kl, test mi, test au, figure samples.png\n" in said
    assert "only B has: test bpd\n" in said


def test_a_pipe_gets_no_lines_and_no_name_is_markup(tmp_path, capsys):
    a = made_up.write(tmp_path / "a/seed1")
    b = made_up.write(tmp_path / "b/seed1", {"choices.prior": "[bold]x[/bold]" + "y" * 300})
    assert main(["diff", str(a), str(b)]) == 1
    said = capsys.readouterr().out
    assert "[bold]x[/bold]" + "y" * 300 in said
    assert not set("┃│━─") & set(said)


def test_a_terminal_gets_a_table(tmp_path, monkeypatch):
    console = Console(force_terminal=True, width=100, record=True, file=io.StringIO())
    monkeypatch.setattr(difference_text, "Console", lambda **_: console)
    difference_text.show(*two(tmp_path, VAMP))
    assert "┃" in console.export_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "A is missing"),
        (["a"], "B is missing"),
        (["a", "nowhere"], "nowhere: no such folder"),
        (["a", "empty"], "empty: no run in this folder"),
        (["a", "damaged"], "results.json: damaged"),
        (["a", "list"], "results.json: damaged"),
        (["a", "bare"], "config.yaml cannot be read"),
    ],
)
def test_mistakes_are_one_line(tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    for name in ("a", "damaged", "list", "bare"):
        made_up.write(Path(name, "seed1"))
    Path("damaged/seed1/results.json").write_text("{")
    Path("list/seed1/results.json").write_text("[]")
    Path("bare/seed1/config.yaml").write_text("a: [")
    assert main(["diff", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
