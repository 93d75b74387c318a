"""The table on the terminal."""

import subprocess
import sys

from reproduce.fakes import cell, outcome, report, trained
from vaelab.reproduce.pages import terminal


def printed(made, capsys, monkeypatch, width=100):
    monkeypatch.setenv("COLUMNS", str(width))
    terminal.show(made)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_one_line_a_cell(capsys, monkeypatch):
    failed = trained(None, status="failed", reason="no [memory]")
    made = report(
        outcome(-88.25, of=cell("static", "standard")),
        outcome(-87.0, -86.0, -88.0, of=cell("static", "vamp", band=(-2.2, 0.5))),
        outcome(of=cell("frey", "standard", quoted=True)),
        outcome(of=cell("frey", "vamp"), runs=(failed,)),
    )
    lines = printed(made, capsys, monkeypatch)
    table = [line.split() for line in lines[2:11] if line]
    assert table[0] == ["published", "ours", "difference", "band", "verdict"]
    assert [" ".join(words) for words in table[2:]] == [
        "static MNIST (nats)",
        "VAE std -88.56 -88.25 ± 0.25 (se) +0.31 ±0.5 inside",
        "VAE Vamp -85.57 -87.00 ± 1.00 (sd) -1.43 -2.2 to +0.5 inside",
        "Frey Faces (bits/dim)",
        "VAE std 4.63 ±0.5 quoted",
        "VAE Vamp 4.57 ±0.5 failed",
    ]
    assert "Frey Faces / VAE Vamp: failed: no [memory]" in lines
    assert "source: A paper, Table 1" in lines
    assert "budget: full: as the paper" in lines
    assert "ours: test split, -nll: importance weighted, 5000 samples, 10000 test examples" in lines
    assert (
        "±: sd: standard deviation over 3 seeds; se: standard error over test examples, one seed"
        in lines
    )
    assert (
        "cells: 2 of 3 finished; 2 inside the band, 0 outside, 0 not judged, 1 failed, 1 quoted"
        in (lines)
    )


def test_a_table_of_one_column_has_no_lines_of_row_names(capsys, monkeypatch):
    made = report(outcome(-85.5), outcome(of=cell("frey", quoted=True)))
    lines = [" ".join(line.split()) for line in printed(made, capsys, monkeypatch)]
    assert "static MNIST (nats) -85.57 -85.50 ± 0.25 +0.07 ±0.5 inside" in lines
    assert "Frey Faces (bits/dim) 4.57 ±0.5 quoted" in lines
    assert not any("VAE Vamp" in line for line in lines)


def test_differing_measurements_and_seeds_are_said_by_cell(capsys, monkeypatch):
    fewer = cell("static", "standard")
    made = report(
        outcome(-88.5, -88.5, of=fewer, runs=(trained(-88.5, n=50), trained(-88.5, n=50))),
        outcome(-85.5, -85.5, -85.5),
    )
    lines = printed(made, capsys, monkeypatch)
    assert any("-88.50 ± 0.00 (sd of 2)" in line and " a " in line for line in lines)
    assert any("-85.50 ± 0.00 (sd of 3)" in line and " b " in line for line in lines)
    assert "a: -nll: importance weighted, 5000 samples, 50 test examples" in lines
    assert "±: standard deviation over 2 to 3 seeds" in lines


def test_marks_are_explained_below(capsys, monkeypatch):
    made = report(
        outcome(-85.5, marks=("budget=smoke",)),
        outcome(None, of=cell("static", "standard")),
        budget=("smoke", "a try"),
    )
    lines = printed(made, capsys, monkeypatch)
    (line,) = [line for line in lines if "VAE Vamp" in line]
    assert line.endswith("not judged †")
    assert "†: budget=smoke" in lines
    assert " ".join(lines[-2:]).endswith("a marked number is never judged.")
    assert not any("inside" in line for line in lines if not line.startswith("cells:"))


def test_a_wide_table_fits_100_columns_a_line_a_cell(capsys, monkeypatch):
    from vaelab.reproduce.spec import Line

    columns = [Line(str(n), f"PixelHVAE prior {n}") for n in range(8)]
    rows = [Line(str(n), f"data set {n}") for n in range(6)]
    made = report(*(
        outcome(-108.5, of=cell(row, column, published=-108.25, band=(-2.2, 0.5)), marks=("a", "b"))
        for row in rows for column in columns
    ))  # fmt: skip
    lines = printed(made, capsys, monkeypatch)
    assert max(map(len, lines)) <= 100
    assert sum("not judged †‡" in line and "PixelHVAE prior" in line for line in lines) == 48


def test_it_starts_without_torch_or_lightning():
    code = (
        "import sys; from vaelab.reproduce.pages import terminal, write; "
        "print([name for name in ('torch', 'pytorch_lightning') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_numbers_of_other_data_than_the_test_set_say_so(capsys, monkeypatch):
    train = trained(0.5, split="train", n=20)
    lines = printed(report(outcome(0.5, runs=(train,))), capsys, monkeypatch)
    assert "ours: train split, -nll: importance weighted, 5000 samples, 20 train examples" in lines
    assert "±: standard error, one seed" in lines
