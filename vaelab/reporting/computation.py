"""How far log p(x) is from the truth, over what training spent, with bands over seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter
from numpy import ndarray

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

WIDTH, HEIGHT = 4.2, 2.4  # inches of one pair of axes
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, GREY)
LINEAR = 0.01  # nats around the truth in which the axis is linear; beyond it is logarithmic
TRUTH: dict[str, Any] = {"color": INK, "linewidth": 0.9, "linestyle": "--"}
FARTHEST = 100.0  # nats below the truth that are shown


@dataclass(frozen=True)
class Curve:
    """One way to train.

    Attributes:
        x: what was spent, above 0.
        mean: over seeds, nats; above the truth where that is known.
        spread: standard deviation; None of one seed.
    """

    x: Float[ndarray, "P"]
    mean: Float[ndarray, "P"]
    spread: Float[ndarray, "P"] | None


@dataclass(frozen=True)
class Panel:
    """One data set over one kind of computation; `known`: curves are above the truth."""

    title: str
    axis: str
    curves: Mapping[str, Curve]
    known: bool


def draw(panels: Sequence[Panel], across: int, path: Path, heading: Heading) -> Path:
    """So many panels side by side; a curve has one colour in all of them."""
    names = list(dict.fromkeys(name for panel in panels for name in panel.curves))
    colours = {name: COLOURS[at % len(COLOURS)] for at, name in enumerate(names)}
    down = len(panels) // across
    with figure(path, (WIDTH * across, HEIGHT * down + 0.8), heading) as drawn:
        every = drawn.subplots(down, across, squeeze=False).flat
        for axes, panel in zip(every, panels, strict=True):
            lines(plain(axes), panel, colours)
        # Of all panels: a data set may lack a curve.
        keys = {name: Line2D([], [], color=colours[name]) for name in names}
        if any(panel.known for panel in panels):
            keys["truth"] = Line2D([], [], **TRUTH)
        drawn.legend(keys.values(), keys, loc="outside lower center", ncols=len(keys))
    return path


def lines(axes: Axes, panel: Panel, colours: Mapping[str, str]) -> None:
    """The curves of one panel."""
    for name, curve in panel.curves.items():
        axes.plot(curve.x, curve.mean, color=colours[name])
        if curve.spread is not None:
            low, high = curve.mean - curve.spread, curve.mean + curve.spread
            axes.fill_between(curve.x, low, high, color=colours[name], alpha=0.18, linewidth=0)
    axes.set_title(panel.title)
    axes.set_xscale("log")
    axes.set_xlabel(panel.axis)
    if not panel.known:
        axes.set_ylabel("log p(x), nats")
        return
    axes.axhline(0, **TRUTH)
    axes.set_ylabel("log p(x) - truth, nats")
    # Untrained models are tens of nats off, and what they end in differs by hundredths.
    axes.set_yscale("symlog", linthresh=LINEAR, linscale=0.7)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    means = [curve.mean for curve in panel.curves.values()]
    lowest = min(float(one.min()) for one in means)
    highest = max(float(one.max()) for one in means)
    farthest = min(-FARTHEST, 10 * highest)  # something must be seen, however bad all are
    axes.set_ylim(max(lowest, farthest), max(1.2 * highest, LINEAR / 2))
