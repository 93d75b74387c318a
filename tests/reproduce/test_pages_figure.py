"""What matplotlib is handed for a figure."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from reproduce.fakes import COLUMNS, Line, cell, drawing, outcome
from vaelab.reporting.style import BLUE, ORANGE
from vaelab.reproduce.pages import figure, markdown
from vaelab.reproduce.spec import Plot

K = {name: Line(name, f"K = {x:g}" if x else "no K", x) for name, x in
     (("k100", 100.0), ("k1", 1.0), ("k10", 10.0), ("none", None))}  # fmt: skip


def at(row, column, *values, published=None, **said):
    return outcome(*values, of=cell(K[row], column, published=published, metric="elbo", **said))


def whole():
    """Rows out of order, one not run, one with seeds, one without x."""
    return drawing(
        at("k100", "vamp", -91.0, -91.5, -92.0, published=-91.25),
        at("k1", "vamp", -92.5, published=-92.6),
        at("k10", "vamp", None, published=-91.8),
        at("k1", "standard", -93.0),
        at("none", "standard", -94.5, published=-94.4),
    )


@pytest.fixture
def axes():
    def drawn(made, plot=None):
        found = Figure().subplots()
        figure.lines(found, made, plot or made.table.plots[0])
        return found

    return drawn


def found(axes, colour, style):
    """Points of the lines of a colour and a style, by label."""
    return {
        line.get_label(): np.column_stack(line.get_data()).tolist()
        for line in axes.lines
        if line.get_color() == colour and line.get_linestyle() == style
    }


def test_ours_are_a_solid_line_over_x_with_error_bars(axes):
    drawn = axes(whole())
    (bars, *_) = drawn.containers
    assert bars.lines[0].get_xydata().tolist() == [[1.0, -92.5], [100.0, -91.5]]
    assert bars.lines[0].get_linestyle() == "-"
    assert bars.lines[0].get_color() == BLUE
    ends = [segment[:, 1].tolist() for segment in bars.lines[2][0].get_segments()]
    np.testing.assert_allclose(ends, [[-92.75, -92.25], [-92.0, -91.0]])  # se 0.25; sd 0.5


def test_published_are_dashed_and_hollow_in_the_same_colour(axes):
    drawn = axes(whole())
    points = found(drawn, BLUE, "--")["published"]
    assert points == [[1.0, -92.6], [10.0, -91.8], [100.0, -91.25]]
    (line,) = [line for line in drawn.lines if line.get_label() == "published"
               and line.get_color() == BLUE]  # fmt: skip
    assert line.get_markerfacecolor() == "white"


def test_a_row_without_x_is_a_line_across(axes):
    drawn = axes(whole())
    across = {line.get_linestyle(): line for line in drawn.lines
              if line.get_color() == ORANGE and list(line.get_xdata()) == [0, 1]}  # fmt: skip
    assert list(across["-"].get_ydata()) == [-94.5, -94.5]
    assert list(across["--"].get_ydata()) == [-94.4, -94.4]
    (band,) = drawn.patches
    assert (band.get_y(), band.get_height()) == (-94.75, 0.5)  # one seed's standard error


def test_the_scale_and_the_words_are_those_of_the_plot(axes):
    drawn = axes(whole())
    assert drawn.get_xscale() == "log"
    assert drawn.get_xticks().tolist() == [1.0, 10.0, 100.0]
    assert (drawn.get_xlabel(), drawn.get_ylabel()) == ("components K", "log-likelihood (nats)")
    words = [text.get_text() for text in drawn.get_legend().get_texts()]
    assert words == ["VAE Vamp", "VAE std", "ours", "published"]
    plain = axes(whole(), Plot("other", ["standard"], "K", "nats", False))
    assert plain.get_xscale() == "linear"
    assert found(plain, BLUE, "-")  # colours are by place in the plot
    assert not found(plain, ORANGE, "-")
    assert plain.get_title() == "other"


def test_a_plots_key_has_the_legends_and_pages_have_the_labels(axes):
    short = Line("vamp", "ELBO of VampPrior", legend="VampPrior")
    made = drawing(outcome(-91.0, of=cell(K["k1"], short)), at("k1", "standard", -93.0))
    words = [text.get_text() for text in axes(made).get_legend().get_texts()]
    assert words == ["VampPrior", "VAE std", "ours", "published"]
    page = markdown.text(made, Path(), None)
    assert page.count("| ELBO of VampPrior |") == 2  # the layout's and the list's


def test_quoted_numbers_are_only_published(axes):
    drawn = axes(drawing(at("k1", "vamp", published=-90.0, quoted=True)))
    assert not drawn.containers
    assert found(drawn, BLUE, "--")["published"] == [[1.0, -90.0]]


def test_a_reduced_figure_says_so_above_and_across_every_axes(tmp_path, monkeypatch):
    stamps, headings = [], []
    stamp, style = figure._stamp, figure.figure
    monkeypatch.setattr(
        figure, "_stamp", lambda axes, text: stamps.append(stamp(axes, text) or text)
    )
    monkeypatch.setattr(
        figure,
        "figure",
        lambda path, size, heading: headings.append(heading) or style(path, size, heading),
    )
    made = whole()
    figure.draw(made, tmp_path / "one.png")
    assert stamps == []
    assert headings[0].what == "Test log-likelihood"
    assert headings[0].about.startswith("A paper, Table 1; budget full; ± sd: standard deviation")
    marked = [replace(one, marks=("budget=smoke",)) for one in made.outcomes]
    plots = made.table.plots * 3
    small = replace(
        made, outcomes=marked, budget=("smoke", ""), table=replace(made.table, plots=plots)
    )
    figure.draw(small, tmp_path / "two.png")
    assert stamps == ["budget=smoke"] * 3
    assert headings[1].about.startswith("NOT AS PUBLISHED: budget=smoke; A paper")
    one, two = imread(tmp_path / "one.png"), imread(tmp_path / "two.png")
    assert two.shape[0] > 1.5 * one.shape[0]  # two rows of axes
    assert one[..., :3].std() > 0.05


def test_nothing_run_is_the_published_figure(tmp_path):
    made = drawing(at("k1", "vamp", None, published=-90.0), at("none", "standard", None))
    assert figure.draw(made, tmp_path / "x.png").is_file()
    assert set(COLUMNS) >= {one.cell.column.name for one in made.outcomes}
