import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
from report import made_up
from rich.console import Console

from vaelab.cli import main
from vaelab.report import difference, difference_text
from vaelab.run import Run

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
        ({}, {}, difference.SAME),
        ({"dataset.data_dir": "there"}, {}, difference.SAME),
        ({"dataset.split_seed": 1}, {}, difference.INDEPENDENT),
        ({"max_examples": 300}, {}, difference.INDEPENDENT),
        ({"evaluation.seed": 2}, {}, difference.INDEPENDENT),
        ({}, {"own_files": {"train": "0a"}}, difference.INDEPENDENT),
    ],
)
def test_differences_and_what_their_error_supposes(tmp_path, changes, results, how):
    metrics = {"test": {"nll": made_up.metric(23.0, 0.6), "au": made_up.metric(38, None)}}
    nll, au = difference.metrics(*two(tmp_path, changes, metrics, **results))
    assert (nll.name, nll.difference, nll.how) == ("nll", -2.0, how)
    assert nll.se == pytest.approx(0.65)  # of 0.25 and 0.6
    assert (au.name, au.difference, au.se, au.how) == ("au", 0, None, "")


def test_other_numbers_of_examples_are_not_the_same(tmp_path):
    (nll,) = difference.metrics(*two(tmp_path, (), {"test": {"nll": made_up.metric(23.0, n=9)}}))
    assert nll.how == difference.INDEPENDENT


def test_examples_that_were_kept_give_the_paired_error(tmp_path):
    a, b = two(tmp_path)
    index, x, y = np.array([2, 0, 1]), np.array([1.0, 5.0, 9.0]), np.array([2.0, 6.0, 13.0])
    for run, nll in ((a, x), (b, y)):
        folder = run.folder / "evaluations"
        folder.mkdir()
        metrics = {"test": {"nll": made_up.metric(float(nll.mean()))}}
        (folder / "ab.json").write_text(json.dumps({"metrics": metrics}))
        np.savez(folder / "ab-test.npz", index=index, nll=nll)
    found = [one for one in difference.metrics(a, b) if one.how == difference.PAIRED]
    (paired,) = found
    assert (paired.split, paired.name, paired.difference) == ("test", "nll", 2.0)
    # Differences 1, 1 and 4: variance (1 + 1 + 4) / 2 = 3, and the root of 3 / 3.
    assert paired.se == pytest.approx(1.0)
    np.savez(b.folder / "evaluations/ab-test.npz", index=index[::-1], nll=y)
    assert difference.PAIRED not in [one.how for one in difference.metrics(a, b)]


def test_two_that_diverged_are_alike_and_one_is_not(tmp_path):
    nan = {"test": {"nll": made_up.metric(math.nan, math.nan)}}
    a = Run(made_up.write(tmp_path / "a/seed1", metrics=nan))
    b = Run(made_up.write(tmp_path / "b/seed1", metrics=nan))
    c = Run(made_up.write(tmp_path / "c/seed1"))
    assert next(difference.metrics(a, b)).difference == 0
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
