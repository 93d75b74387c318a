"""Markdown, CSV and LaTeX of small reports, letter by letter."""

import csv
import io
from dataclasses import replace
from pathlib import Path

import pytest

from reproduce.fakes import NUMBERS, Line, cell, outcome, report, trained
from vaelab.reporting import tex
from vaelab.reproduce.pages import csv_file, latex, markdown, words
from vaelab.reproduce.pages.legend import Legend


def small():
    """Inside, outside with three seeds, not run, and one the paper does not have."""
    return report(
        outcome(-88.25, of=cell("static", "standard")),
        outcome(-87.0, -86.0, -88.0, of=cell("static", "vamp")),
        outcome(None, of=cell("frey", "standard", certainty="read off a plot")),
        outcome(4.5, of=cell("frey", "vamp", published=None)),
        notes=["One | two."],
    )


def test_numbers_have_the_digits_of_the_cell_and_zero_has_no_minus():
    assert words.number(-88.555001, 2) == "-88.56"
    assert words.number(-0.004, 2) == "0.00"
    assert words.number(-0.004, 2, sign=True) == "+0.00"
    assert words.number(0.126, 2, sign=True) == "+0.13"
    assert words.number(37.0, 0) == "37"
    assert words.number(float("nan"), 2) == "nan"


@pytest.mark.parametrize(
    ("band", "shown"),
    [((-0.5, 0.5), "±0.5"), ((-2.2, 0.5), "-2.2 to +0.5"), ((0.5, 1), "+0.5 to +1"), (None, "")],
)
def test_a_band_in_words(band, shown):
    assert words.band(cell(band=band)) == shown


def test_a_published_figure_is_shown_with_what_is_printed_behind_it():
    quoted = cell("static", "vamp", published=-85.57, published_sd=0.25, quoted=True)
    assert words.published(quoted) == "-85.57 ± 0.25"
    assert words.published(cell("static", "vamp", published=None, published_sd=0.25)) == ""
    small = report(outcome(-88.0, of=cell("static", "standard")), outcome(of=quoted))
    assert "(-85.57 ± 0.25)" in markdown.text(small, Path(), None)
    assert r"($-85.57\,\pm\,0.25$)" in latex.text(small)
    (_, row) = csv.DictReader(io.StringIO(csv_file.text(small)))
    assert (row["published"], row["published_sd"]) == ("-85.57", "0.25")


def test_markdown_is_in_the_papers_layout():
    lines = markdown.text(small(), Path(), None).splitlines()
    assert lines[0] == "# Test log-likelihood"
    assert lines[2] == (
        "Source: A paper, Table 1. Budget: full: as the paper. Ours: test split, measured in "
        "2 ways, as each cell says. ±: sd: standard deviation over 3 seeds; se: standard error "
        "over test examples, one seed. Band: of ours - published, least to greatest. Cells: 3 of 4 "
        "finished; 1 inside the band, 1 outside, 0 not judged, 1 without a band or a published "
        "figure. Made on "
        "2026-01-02 by vaelab 1.2.3 at commit 0123456789 with `vaelab reproduce table=one`."
    )
    assert lines[4:8] == [
        "|  | VAE std | VAE Vamp |",
        "| --- | --: | --: |",
        "| static MNIST (nats) | **-88.25 ± 0.25 se** (-88.56) | -87.00 ± 1.00 sd (-85.57) |",
        "| Frey Faces (bits/dim) | not run (4.63) | 4.50 ± 0.25 se |",
    ]
    assert lines[-1] == r"- One \| two."


def test_markdown_lists_every_cell_with_its_commands():
    text = markdown.text(small(), Path(), None)
    assert (
        "| static MNIST | VAE Vamp | -85.57 nats |  | -87.00 ± 1.00 (sd, 3 seeds) | -1.43 | ±0.5 "
        "| outside the band | complete | -nll: importance weighted, 5000 samples, 10000 test "
        "examples | seed 1, seed 2, seed 3 | `vaelab train seed=1`<br>`vaelab train seed=2`<br>"
        "`vaelab train seed=3` |"
    ) in text.splitlines()
    assert (
        "| Frey Faces | VAE std | 4.63 bits/dim | read off a plot |  |  | ±0.5 | not run | not run "
        "|  | seed 1 | `vaelab train seed=1` |"
    ) in text.splitlines()


def test_markdown_links_a_run_that_exists_relative_to_the_page(tmp_path):
    one = outcome(-88.0, root=tmp_path / "my runs")
    one.runs[0].folder.mkdir(parents=True)
    text = markdown.text(report(one), tmp_path / "pages" / "one", None)
    assert "[seed 1](../../my%20runs/static/vamp/seed1)" in text


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("beta=linear", "`beta=linear`"),
        ("a|b", r"`a\|b`"),
        ("echo `x`", "`` echo `x` ``"),
    ],
)
def test_commands_in_markdown(typed, shown):
    assert markdown.code(typed) == shown


def test_csv_holds_full_floats():
    rows = list(csv.DictReader(io.StringIO(csv_file.text(small()))))
    assert rows[0] == {
        "row": "static",
        "column": "standard",
        "published": "-88.56",
        "published_sd": "",
        "ours": "-88.25",
        "spread": "",
        "se": "0.25",
        "n_seeds": "1",
        "difference": repr(-88.25 + 88.56),
        "band_low": "-0.5",
        "band_high": "0.5",
        "verdict": "inside the band",
        "inside": "true",
        "unit": "nats",
        "metric": "-nll",
        "estimator": "importance weighted",
        "samples": "5000",
        "n": "10000",
        "budget": "full",
        "marks": "",
        "certainty": "",
        "source": "A paper, Table 1",
        "command": "vaelab train seed=1",
    }
    assert rows[1]["spread"] == "1.0"
    assert (rows[1]["se"], rows[1]["inside"], rows[1]["n_seeds"]) == ("", "false", "3")
    assert rows[1]["command"].split("; ")[2] == "vaelab train seed=3"
    assert (rows[2]["ours"], rows[2]["verdict"], rows[2]["inside"]) == ("", "not run", "")
    assert (rows[3]["published"], rows[3]["difference"], rows[3]["inside"]) == ("", "", "")


def test_latex_is_in_the_papers_layout():
    lines = latex.text(small()).splitlines()
    table = lines[lines.index(r"\toprule") : lines.index(r"\end{tabular}")]
    assert table == [
        r"\toprule",
        r" & VAE std & VAE Vamp \\",
        r"\midrule",
        r"static MNIST & $\mathbf{-88.25}$\textsuperscript{a} $\pm\,0.25$ se & "
        r"$-87.00$\textsuperscript{a} $\pm\,1.00$ sd \\",
        r"(nats) & ($-88.56$) & ($-85.57$) \\",
        r"\addlinespace",
        r"Frey Faces & \textit{not run} & $4.50$\textsuperscript{b} $\pm\,0.25$ se \\",
        r"(bits/dim) & ($4.63$) &  \\",
        r"\bottomrule",
    ]
    assert r"\begin{tabular}{lrr}" in lines


def test_latex_of_many_columns_is_narrow():
    names = [Line(str(n), "PixelHVAE standard") for n in range(5)]
    made = report(*(outcome(-85.5, of=cell("static", name)) for name in names))
    lines = latex.text(made).splitlines()
    table = lines[lines.index(r"\toprule") + 1 : lines.index(r"\bottomrule")]
    assert [line.split(" & ")[:2] for line in table if "&" in line] == [
        ["", "PixelHVAE"],
        ["", "standard"],
        ["static MNIST", "$-85.50$"],
        ["", r"$\pm\,0.25$"],
    ]


def test_latex_sets_what_was_written():
    assert tex.escape(r"50% of a_b & {c} #1 $2 ~ ^ \x") == (
        r"50\% of a\_b \& \{c\} \#1 \$2 \textasciitilde{} \textasciicircum{} \textbackslash{}x"
    )
    assert tex.escape("β < 1 ± \N{GREEK SMALL LETTER OMICRON}") == r"$\beta$ \textless{} 1 $\pm$ o"
    assert tex.escape("-KL(Q||P)") == r"-KL(Q\textbar{}\textbar{}P)"  # a bare one is a dash
    assert tex.escape("é") == "é"


def test_a_reduced_report_says_so_in_every_text():
    marks = ("budget=smoke",)
    one = outcome(-85.5, marks=marks)
    one = replace(one, runs=(replace(one.runs[0], labels=("stand-in",)),))
    made = report(one, outcome(None, of=cell("frey"), marks=marks), budget=("smoke", "a try"))
    warning = (
        "Not as published: budget=smoke, stand-in. 1 of 1 numbers of ours are marked; "
        "a marked number is never judged."
    )
    assert Legend(made).warning == warning
    page = markdown.text(made, Path(), None).splitlines()
    assert page[2] == f"> **{warning}**"
    assert "| static MNIST (nats) | -85.50 ± 0.25†‡ (-85.57) |" in page
    assert "† budget=smoke: not judged  " in page
    assert "‡ stand-in: not judged" in page
    tex = latex.text(made)
    assert warning in tex
    assert r"$-85.50$\textsuperscript{\textdagger{}\textdaggerdbl{}} $\pm\,0.25$" in tex
    rows = list(csv.DictReader(io.StringIO(csv_file.text(made))))
    assert [row["marks"] for row in rows] == [
        "budget=smoke; stand-in",
        "budget=smoke; 0 of 1 seeds",
    ]


def test_a_report_as_published_has_no_warning_and_before_it_runs_its_marks_are_known():
    assert Legend(small()).warning is None
    waiting = report(outcome(None, marks=("budget=smoke",)))
    assert Legend(waiting).warning == "Not as published: budget=smoke."


def test_why_cells_failed_or_were_refused_is_said_once_for_all_of_them():
    failed = trained(None, status="failed", reason="no memory")
    everything = [cell(*place) for place in NUMBERS]
    made = report(
        *(outcome(of=one, runs=(failed,)) for one in everything[:2]),
        outcome(of=everything[2], refused="no file"),
        outcome(-1.0, None, of=everything[3]),
    )
    assert Legend(made).faults() == [
        "static MNIST: failed: no memory",
        "Frey Faces / VAE std: refused: no file",
    ]
    assert Legend(made).counts() == (
        "0 of 4 finished; 0 inside the band, 0 outside, 1 not judged, 2 failed, 1 refused"
    )
    page = markdown.text(made, Path(), None)
    assert "| static MNIST (nats) | failed (-88.56) | failed (-85.57) |" in page
    assert "| Frey Faces (bits/dim) | refused (4.63) | -1.00 ± 0.25† (4.57) |" in page
    assert "| refused: no file |" in page


def test_notes_name_their_cells_unless_they_are_of_all():
    everything = [cell(*place, note="all") for place in NUMBERS]
    assert Legend(report(*map(outcome_of, everything))).notes() == ["all"]
    some = [replace(one, note=None if place[0] == "frey" else "lr") for place, one in
            zip(NUMBERS, everything, strict=True)]  # fmt: skip
    assert Legend(report(*map(outcome_of, some))).notes() == ["static MNIST: lr"]
    one = [replace(some[0]), *(replace(rest, note=None) for rest in some[1:])]
    assert Legend(report(*map(outcome_of, one))).notes() == ["static MNIST / VAE std: lr"]


def outcome_of(one):
    return outcome(None, of=one)


def test_units_are_said_once_as_high_up_as_they_hold():
    same = report(outcome(-88.0), outcome(-88.0, of=cell("static", "standard")))
    assert Legend(same).row(same.table.rows["static"]) == "static MNIST"
    assert ("unit", "nats") in Legend(same).facts()
    bits = outcome(4.6, of=cell("frey"))
    rows = report(*same.outcomes, bits)
    assert Legend(rows).row(rows.table.rows["frey"]) == "Frey Faces (bits/dim)"
    assert Legend(rows).cell_unit(bits) == ""
    units = outcome(37.0, of=cell("static", "standard", unit="units", digits=0, published=36.0))
    mixed = report(outcome(-88.0), units)
    assert Legend(mixed).row(mixed.table.rows["static"]) == "static MNIST"
    assert Legend(mixed).cell_unit(units) == "units"
    assert "| static MNIST | -88.00 ± 0.25 (-85.57) nats | 37 ± 0 (36) units |" in (
        markdown.text(mixed, Path(), None).splitlines()
    )
    assert r"static MNIST & $-88.00$ $\pm\,0.25$ nats & $37$ $\pm\,0$ units \\" in latex.text(mixed)


def test_more_reasons_than_signs_have_signs_of_their_own():
    made = report(
        *(outcome(1.0, of=cell(Line(str(i), str(i))), marks=(str(i),)) for i in range(12))
    )
    signs = list(Legend(made).signs.values())
    assert signs[:6] == ["†", "‡", "§", "¶", "‖", "††"]
    assert len(set(signs)) == 12


def test_more_ways_of_measuring_than_letters():
    def counted(n):
        return outcome(of=cell(Line(str(n), "x")), runs=(trained(1.0, n=n),))

    made = report(*(counted(n) for n in range(28)))
    letters = list(Legend(made).measures.values())
    assert [letters[place] for place in (0, 25, 26, 27)] == ["a", "z", "aa", "ab"]
