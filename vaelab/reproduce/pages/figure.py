"""A figure of a paper drawn again: columns as lines over the rows' x, ours beside the published."""

import math
from pathlib import Path
from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from vaelab.reporting.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    Heading,
    figure,
    plain,
)
from vaelab.reproduce.outcome import Outcome, Report
from vaelab.reproduce.pages.legend import CLAIM, Legend
from vaelab.reproduce.spec import Plot

COLOURS = (BLUE, ORANGE, GREEN, PURPLE, INK, GREY)
WIDTH, HEIGHT, HEAD = 4.6, 3.6, 0.5  # inches, of one pair of axes and of the heading
LONE = 6.6  # wide, where there is one pair
ACROSS = 2  # axes side by side
TICKS = 8  # up to so many rows each gets its tick
LETTERS = 11, 18  # an inch of the heading's two lines has room for


def draw(report: Report, path: Path) -> Path:
    """One pair of axes for each plot: ours solid, published dashed and hollow, ± as error bars."""
    plots = report.table.plots
    across = min(ACROSS, len(plots))
    down = math.ceil(len(plots) / across)
    width = WIDTH * across if across > 1 else LONE
    legend = Legend(report)
    reasons = ", ".join(legend.reasons)
    about = [CLAIM] if legend.claim else []
    about += [f"{legend.marked.upper()}: {reasons}"] if reasons else []
    about += [report.table.source, f"budget {report.budget[0]}"]
    about += [f"± {text}" for name, text in legend.facts() if name == "±"]
    parts = report.table.title, "; ".join(text for text in about if text)
    heading = Heading(*map(_short, parts, (width * room for room in LETTERS)))
    with figure(path, (width, HEIGHT * down + HEAD), heading) as drawn:
        every = drawn.subplots(down, across, squeeze=False).flat
        for axes, plot in zip(every, plots, strict=False):
            lines(plain(axes), report, plot)
            if reasons:
                _stamp(axes, reasons)
        for axes in every[len(plots) :]:
            axes.remove()
    return path


def lines(axes: Axes, report: Report, plot: Plot) -> None:
    """The columns of one plot; cells of a row without x are lines across it."""
    axes.set_title(plot.title)
    axes.set_xlabel(plot.x)
    axes.set_ylabel(plot.y)
    if plot.log_x:
        axes.set_xscale("log")
    for number, name in enumerate(plot.columns):
        colour = COLOURS[number % len(COLOURS)]
        own = [one for one in report.outcomes if one.cell.column.name == name]
        over = [one for one in own if one.cell.row.x is not None]
        over.sort(key=lambda one: one.cell.row.x or 0.0)
        _published(axes, over, colour)
        _ours(axes, over, colour)
        _across(axes, [one for one in own if one.cell.row.x is None], colour)
    _ticks(axes, report, plot)
    _key(axes, report, plot)


def _ours(axes: Axes, outcomes: list[Outcome], colour: str) -> None:
    shown = [(one.cell.row.x, one.mean, _error(one)) for one in outcomes if one.mean is not None]
    if shown and not all(one.cell.quoted for one in outcomes):
        x, y, error = zip(*shown, strict=True)
        axes.errorbar(x, y, error, color=colour, marker="o", markersize=4, capsize=2, label="ours")


def _published(axes: Axes, outcomes: list[Outcome], colour: str) -> None:
    cells = [one.cell for one in outcomes if one.cell.published is not None]
    if cells:
        x, y = zip(*((cell.row.x, cell.published) for cell in cells), strict=True)
        style = {"linestyle": "--", "marker": "o", "markerfacecolor": "white", "markersize": 5}
        axes.plot(x, y, color=colour, linewidth=1.0, label="published", **style)


def _across(axes: Axes, outcomes: list[Outcome], colour: str) -> None:
    for one in outcomes:
        if one.mean is not None:
            axes.axhline(one.mean, color=colour, label="ours")
            if error := _error(one):
                low, high = one.mean - error, one.mean + error
                axes.axhspan(low, high, color=colour, alpha=0.12, linewidth=0)
        if one.cell.published is not None:
            axes.axhline(one.cell.published, color=colour, linestyle="--", label="published")


def _error(outcome: Outcome) -> float:
    return outcome.spread or outcome.se or 0.0


def _ticks(axes: Axes, report: Report, plot: Plot) -> None:
    """On a log axis at the rows, where they are few: 300 and 500 are no powers of ten."""
    rows = {one.cell.row for one in report.outcomes if one.cell.column.name in plot.columns}
    places = sorted({row.x for row in rows if row.x is not None})
    if plot.log_x and 0 < len(places) <= TICKS:
        axes.xaxis.set_major_locator(FixedLocator(places))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))


def _key(axes: Axes, report: Report, plot: Plot) -> None:
    """A colour a column, and what solid and dashed are."""
    columns = [report.table.columns[name] for name in plot.columns]
    labels = [column.legend or column.label for column in columns]
    keys = [Line2D([], [], color=COLOURS[i % len(COLOURS)]) for i in range(len(labels))]
    keys += [
        Line2D([], [], color=GREY, marker="o", markersize=4),
        Line2D([], [], color=GREY, marker="o", markersize=5, markerfacecolor="white", ls="--"),
    ]
    axes.legend(keys, [*labels, "ours", "published"], loc="best")


def _stamp(axes: Axes, text: str) -> None:
    """Across the axes, so that no part of the picture can be taken for the paper's settings."""
    shown = fill(text, 28, max_lines=3, placeholder=" …")
    where = {"transform": axes.transAxes, "ha": "center", "va": "center", "rotation": 18}
    axes.text(0.5, 0.5, shown, fontsize=15, color=ORANGE, alpha=0.3, zorder=0.5, **where)


def _short(text: str, room: float) -> str:
    return text if len(text) <= room else text[: int(room) - 1].rstrip() + "…"
