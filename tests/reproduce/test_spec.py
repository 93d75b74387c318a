"""Tables as data: what overrides what, and what is refused."""

import pytest

from vaelab.errors import UserError
from vaelab.reproduce.spec import read

TEXT = """
title: A table
source: the paper
certainty: read
metric: -nll
band: [-1, 1]
overrides: [a=1]
columns:
  one: {label: One, overrides: [b=2], unit: bits, band: [-2, 2], note: of the column}
  two: {label: Two}
rows:
  first: {label: First, overrides: [c=3], seeds: [1, 2], band: [-3, 3]}
  second: {quoted: true}
cells:
  second: {two: 4}
  first:
    two: -1.5
    one: {published: -2.5, band: [-4, 4], overrides: [d=4], published_sd: 0.25, certainty: guessed}
"""


def table(tmp_path, text=TEXT):
    path = tmp_path / "t.yaml"
    path.write_text(text)
    return read("table", "t", path)


def test_the_nearest_says_and_overrides_add_up_in_the_order_of_the_layers(tmp_path):
    one, two, other = table(tmp_path).cells
    assert [cell.name for cell in (one, two, other)] == ["first/one", "first/two", "second/two"]
    assert one.overrides == ["a=1", "b=2", "c=3", "d=4"]
    assert (one.band, one.certainty, one.unit) == ((-4, 4), "guessed", "bits")
    assert (one.note, one.seeds, one.published) == ("of the column", [1, 2], -2.5)
    assert (one.published_sd, two.published_sd) == (0.25, None)
    assert (two.band, two.certainty, two.unit, two.note) == ((-3, 3), "read", "nats", None)
    assert two.overrides == ["a=1", "c=3"]
    assert (other.quoted, other.seeds, other.band) == (True, [1], (-1, 1))
    assert other.row.label == "second"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("title: A table", "titel: A table", "did you mean title?"),
        ("title: A table\n", "", "title is missing"),
        ("metric: -nll", "metric: 3", "metric=3: must be text"),
        ("band: [-1, 1]", "band: [-1]", "must be a list of 2"),
        ("seeds: [1, 2]", "seeds: [a]", "each a whole number"),
        (
            "second: {two: 4}",
            "third: {two: 4}",
            "third is not a row or column (options: first, second)",
        ),
        ("second: {two: 4}", "second: {too: 4}", "did you mean two?"),
        ("second: {two: 4}", "second: 4", "must map columns"),
        ("    two: -1.5", "    two: low", "must be a number or null"),
        ("rows:", "rows: [", "while parsing"),
        ("seeds: [1, 2]", "seeds: []", "one or more"),
        ("seeds: [1, 2]", "seeds: [1, 1]", "must differ"),
        ("band: [-1, 1]", "band: [500, -500]", "must be the least, then"),
        ("metric: -nll", "digits: -1", "must be 0 or more"),
        ("rows:", "rows: [a]\nnotes:", "must be a mapping"),
        ("{label: Two}", "{label: One}", "columns.two.label=One: one has it already"),
        ("second: {quoted", "second: {label: First, quoted", "rows.second.label=First: first has"),
        ("label: First", "label: second", "rows.second.label=second: first has it already"),
    ],
)
def test_mistakes_are_one_line_that_names_the_file(tmp_path, old, new, said):
    assert old in TEXT
    with pytest.raises(UserError) as caught:
        table(tmp_path, TEXT.replace(old, new, 1))
    message = str(caught.value)
    assert said in message
    assert "t.yaml" in message
    assert "\n" not in message


def test_names_may_be_numbers_and_rows_and_columns_may_share_them(tmp_path):
    text = "title: T\ncolumns: {1: {label: One}}\nrows: {10: {x: 10}, 1: {x: 1}}\n"
    found = table(tmp_path, text + "cells: {1: {1: 5}, 10: {1: 6}}").cells
    assert [(cell.name, cell.published) for cell in found] == [("10/1", 6), ("1/1", 5)]
    text = "title: T\ncolumns: {a: {}}\nrows: {z: {}, a: {}, y: {}}\n"
    found = table(tmp_path, text + "cells: {a: {a: 1}, y: {a: 2}, z: {a: 3}}").cells
    assert [cell.row.name for cell in found] == ["z", "a", "y"]


def test_columns_of_one_legend_have_labels_of_their_own(tmp_path):
    text = TEXT.replace("{label: Two}", "{label: Two, legend: Short}")
    text = text.replace("label: One,", "label: One, legend: Short,")
    one, two = table(tmp_path, text).columns.values()
    assert [(line.label, line.legend) for line in (one, two)] == [
        ("One", "Short"),
        ("Two", "Short"),
    ]
    assert table(tmp_path).columns["two"].legend is None


def test_a_plot_says_everything(tmp_path):
    with pytest.raises(UserError, match=r"plots\.0\.y is missing"):
        table(tmp_path, TEXT + "plots: [{title: T, columns: [one], x: K}]")


def test_a_plot_names_columns_that_exist(tmp_path):
    plot = "plots: [{title: T, columns: [one, tree], x: K, y: nats}]"
    with pytest.raises(UserError, match="tree"):
        table(tmp_path, TEXT + plot)
    (read_plot,) = table(tmp_path, TEXT + plot.replace("tree", "two")).plots
    assert read_plot.columns == ["one", "two"]
    assert not read_plot.log_x
