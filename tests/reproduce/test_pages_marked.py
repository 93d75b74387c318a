"""No page shows a cell that may not be judged as inside its band: random reports."""

import csv
import io
from html.parser import HTMLParser
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from reproduce.fakes import Line, cell, outcome, report, trained
from vaelab.reporting import tex
from vaelab.reproduce.pages import csv_file, html_page, latex, markdown
from vaelab.reproduce.pages.legend import Legend

REASONS = st.lists(st.sampled_from(["budget=smoke", "changed: epochs=3", "1 of 3 seeds"]),
                   max_size=2, unique=True).map(tuple)  # fmt: skip
LABELS = st.sampled_from([(), (), ("stand-in",), ("reduced", "stand-in")])
VALUES = st.one_of(st.none(), st.floats(-2, 2))


@st.composite
def outcomes(draw, row, column):
    band = draw(st.sampled_from([None, (-1.0, 1.0), (-0.5, 2.0)]))
    published = draw(st.sampled_from([None, 0.0, 0.5]))
    of = cell(row, column, published=published, band=band, quoted=draw(st.booleans()))
    if of.quoted:
        return outcome(of=of)
    if draw(st.integers(0, 9)) == 0:
        return outcome(of=of, refused="no data")
    values = draw(st.lists(VALUES, min_size=1, max_size=3))
    runs = tuple(trained(value, seed, labels=draw(LABELS)) for seed, value in enumerate(values))
    return outcome(of=of, runs=runs, marks=draw(REASONS))


@st.composite
def reports(draw):
    """Every place of a grid of two by three is taken, so that places can be read back."""
    rows = [Line(name, name) for name in "ab"]
    columns = [Line(name, name) for name in "cde"]
    budget = draw(st.sampled_from(["full", "smoke"]))
    made = [draw(outcomes(row, column)) for row in rows for column in columns]
    return report(*made, budget=(budget, ""))


def may_be_inside(one):
    """From what was drawn, without asking the outcome."""
    values = [run.value for run in one.runs]
    marked = one.marks or any(run.labels for run in one.runs) or None in values
    if one.cell.quoted or one.refused or not values or marked:
        return False
    if one.cell.published is None or one.cell.band is None:
        return False
    low, high = one.cell.band
    return low <= sum(values) / len(values) - one.cell.published <= high


def near_an_end(one):
    """Where another order of summing could decide."""
    values = [run.value for run in one.runs if run.value is not None]
    if not values or one.cell.published is None or one.cell.band is None:
        return False
    difference = sum(values) / len(values) - one.cell.published
    return any(abs(difference - end) < 1e-9 for end in one.cell.band)


class Layout(HTMLParser):
    """(class, text) of each cell with a class in the layout's table."""

    def __init__(self):
        super().__init__()
        self.cells, self.within = [], None

    def handle_starttag(self, tag, attrs):
        said = dict(attrs)
        if tag == "td" and "class" in said:
            self.cells.append([said["class"], said["title"]])
            self.within = self.cells[-1]

    def handle_endtag(self, tag):
        self.within = None if tag == "td" else self.within

    def handle_data(self, data):
        if self.within:
            self.within[1] += data


def by_markdown(made):
    return ["**" in text for row in markdown.layout(made, Legend(made))[1:] for text in row[1:]]


def by_csv(made):
    rows = list(csv.DictReader(io.StringIO(csv_file.text(made))))
    assert all((row["inside"] == "true") == (row["verdict"] == "inside the band") for row in rows)
    return [row["inside"] == "true" for row in rows]


def by_html(made):
    read = Layout()
    read.feed(html_page.text(made, Path(), None, {}))
    assert all((kind == "inside") == ("inside" in text) for kind, text in read.cells)
    return [kind == "inside" for kind, _ in read.cells]


def latex_cells(made):
    """Of each cell its first line, which has our number."""
    lines = latex.text(made).splitlines()
    start, middle, end = map(lines.index, (r"\midrule", r"\addlinespace", r"\bottomrule"))
    assert middle < end
    firsts = lines[start + 1], lines[middle + 1]
    return [text for line in firsts for text in line.split(" & ")[1:]]


def by_latex(made):
    assert latex.text(made).count(r"\mathbf") == sum("bf" in text for text in latex_cells(made))
    return ["bf" in text for text in latex_cells(made)]


@settings(max_examples=150, deadline=None)
@given(made=reports())
def test_inside_only_where_it_may_be(made):
    expected = [may_be_inside(one) for one in made.outcomes]
    sure = [not near_an_end(one) for one in made.outcomes]
    for read in (by_markdown, by_csv, by_html, by_latex):
        found = read(made)
        assert len(found) == 6
        for shown, right, certain in zip(found, expected, sure, strict=True):
            assert shown == right or not certain, read.__name__


@settings(max_examples=50, deadline=None)
@given(made=reports())
def test_a_marked_number_carries_a_sign_on_every_page(made):
    legend = Legend(made)
    marked = [bool(one.values and one.caveats) for one in made.outcomes]
    cells = [text for row in markdown.layout(made, legend)[1:] for text in row[1:]]
    assert [any(sign in text for sign in "†‡§¶‖") for text in cells] == marked
    assert all(reason in legend.warning for reason in legend.signs)
    signs = [tex.escape(sign) for sign in "†‡§¶‖"]
    assert [any(sign in text for sign in signs) for text in latex_cells(made)] == marked
