"""A claim: a published sentence that is held against our own runs, in words and without figures."""

import csv
import io

import pytest

from tests.reproduce.fakes import cell, outcome, report
from tests.reproduce.test_reproduce_command import starts
from vaelab.cli import main
from vaelab.command.completion import candidates
from vaelab.errors import UserError
from vaelab.reporting.summary import make_console
from vaelab.reproduce.pages import csv_file, html_page, latex, markdown, terminal
from vaelab.reproduce.pages.legend import CLAIM, Legend
from vaelab.reproduce.spec import read

TEXT = """# One sentence
title: Vamp is better
source: derived from the abstract of 1705.07120
overrides: [epochs=3]
metric: nll
columns: {ll: {label: NLL}}
rows:
  plain: {label: standard prior}
  vamp: {label: VampPrior, overrides: [prior=vamp], seeds: [1, 2]}
cells:
  plain: {ll: null}
  vamp: {ll: null}
"""


@pytest.fixture
def claimed(lab):
    """The lab with configs/claim/vamp.yaml."""
    path = lab / "configs" / "claim" / "vamp.yaml"
    path.parent.mkdir()
    path.write_text(TEXT)
    return lab


def small(**said):
    """Two seeds, and a cell that is not run."""
    unjudged = {"published": None, "band": None}
    return report(
        outcome(-88.0, -89.0, of=cell("static", "standard", **unjudged)),
        outcome(None, of=cell("static", "vamp", **unjudged)),
        **({"kind": "claim", "source": "derived from an abstract"} | said),
    )


def test_a_claims_page_says_what_it_is_before_any_number(tmp_path):
    first = markdown.text(small(), tmp_path, None).splitlines()[2]
    assert first.startswith(f"Claim: {CLAIM}. Source: derived from an abstract. Budget: full: all")
    assert "as the paper" not in first  # which is what a table says of its budget
    page = html_page.text(small(), tmp_path, None, {})
    assert page.index("<dt>claim</dt>") < page.index("<h2>Our runs</h2>")
    assert r"\caption{Test log-likelihood. Claim: a published sentence" in latex.text(small())
    assert CLAIM.startswith(
        "a published sentence is tested on our own runs; no number of the paper"
    )


def test_a_claims_pages_have_no_place_for_figures_of_the_paper(tmp_path):
    lines = markdown.text(small(), tmp_path, None).splitlines()
    assert "| static MNIST | -88.50 ± 0.71 | not run |" in lines
    head = "| row | column | ours | verdict | status | measured | runs | command |"
    assert lines[lines.index(head) + 2].startswith(
        "| static MNIST | VAE std | -88.50 ± 0.71 (sd, 2 seeds) | no published figure | complete |"
    )
    console = make_console()
    with console.capture() as shown:
        console.print(terminal.lines(small(), Legend(small())))
    assert "published " not in shown.get().replace("no published figure", "")
    texts = [
        shown.get(),
        *lines[:12],
        latex.text(small()),
        html_page.text(small(), tmp_path, None, {}),
    ]
    for text in texts:
        for word in ("inside the band", "As published", "figure in parentheses", "difference"):
            assert word not in text, word
    (row, _) = csv.DictReader(io.StringIO(csv_file.text(small())))
    assert (row["published"], row["difference"], row["ours"]) == ("", "", "-88.5")


def test_a_smaller_budget_is_marked_in_other_words():
    one = outcome(-85.5, of=cell(published=None, band=None), marks=("budget=smoke",))
    made = report(one, kind="claim")
    assert Legend(made).warning == (
        "Not in full: budget=smoke. 1 of 1 numbers of ours are marked; a marked number is never "
        "judged."
    )
    assert Legend(report(one)).warning.startswith("Not as published: budget=smoke.")


@pytest.mark.parametrize("figure", ["1.5", "{published: 1.5}", "{quoted: true}", "{band: [-1, 1]}"])
def test_a_claim_with_a_figure_of_the_paper_is_refused(tmp_path, figure):
    path = tmp_path / "c.yaml"
    path.write_text(TEXT.replace("vamp: {ll: null}", f"vamp: {{ll: {figure}}}"))
    with pytest.raises(UserError, match=r"cells\.vamp\.ll: a claim is tested on our own runs"):
        read("claim", "c", path)
    if "quoted" not in figure:
        assert read("table", "c", path).cells


def test_it_is_reproduced_shown_again_listed_and_completed(claimed, capsys):
    assert main(["reproduce", "claim=vamp"]) == 0
    assert len(starts(claimed)) == 3
    folder = claimed / "outputs" / "claims" / "vamp" / "full"
    pages = {path.name for path in folder.iterdir()}
    assert {"claim.md", "claim.csv", "claim.tex", "claim.html"} <= pages
    out = " ".join(capsys.readouterr().out.split())
    assert f"claim: {CLAIM} source: derived from the abstract of 1705.07120" in out
    (folder / "claim.md").unlink()
    assert main(["table", "vamp"]) == 0
    assert (folder / "claim.md").is_file()
    assert all(count == 1 for count in starts(claimed).values())
    capsys.readouterr()
    assert main(["list", "claims"]) == 0
    listed = capsys.readouterr().out
    assert "vamp  One sentence" in listed
    assert "2 cells in 3 runs" in listed
    assert main(["list", "tables"]) == 0
    assert listed in capsys.readouterr().out
    assert candidates(["reproduce", "cla"]) == ["claim="]
    assert candidates(["reproduce", "claim="]) == ["claim=vamp"]
    assert candidates(["table", "v"]) == ["vamp"]
    assert candidates(["list", "cl"]) == ["claims"]
