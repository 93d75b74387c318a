"""Curves of log p(x) over what training spent, with bands over seeds and the truth as a line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Float
from matplotlib.axes import Axes
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
SHOWN = 4.0  # times the worst end's distance from the truth that the axis goes below it


@dataclass(frozen=True)
class Curve:
    """One way to train.

    Attributes:
        x: what was spent, above 0.
        mean: over seeds, nats.
        spread: standard deviation; None of one seed.
    """

    x: Float[ndarray, "P"]
    mean: Float[ndarray, "P"]
    spread: Float[ndarray, "P"] | None


@dataclass(frozen=True)
class Panel:
    """One data set over one kind of computation; `truth` None where it is not known."""

    title: str
    axis: str
    curves: Mapping[str, Curve]
    truth: float | None


def draw(panels: Sequence[Panel], across: int, path: Path, heading: Heading) -> Path:
    """So many panels side by side; a curve has one colour in all of them."""
    names = list(dict.fromkeys(name for panel in panels for name in panel.curves))
    colours = {name: COLOURS[at % len(COLOURS)] for at, name in enumerate(names)}
    down = len(panels) // across
    with figure(path, (WIDTH * across, HEIGHT * down + 0.5), heading) as drawn:
        every = drawn.subplots(down, across, squeeze=False).flat
        for axes, panel in zip(every, panels, strict=True):
            lines(plain(axes), panel, colours)
        every[0].legend(loc="lower right")
    return path


def lines(axes: Axes, panel: Panel, colours: Mapping[str, str]) -> None:
    """The curves of one panel."""
    for name, curve in panel.curves.items():
        axes.plot(curve.x, curve.mean, color=colours[name], label=name)
        if curve.spread is not None:
            low, high = curve.mean - curve.spread, curve.mean + curve.spread
            axes.fill_between(curve.x, low, high, color=colours[name], alpha=0.18, linewidth=0)
    if panel.truth is not None:
        axes.axhline(panel.truth, color=INK, linewidth=0.9, linestyle="--", label="truth")
    axes.set_title(panel.title)
    axes.set_xscale("log")
    axes.set_xlabel(panel.axis)
    axes.set_ylabel("log p(x), nats")
    axes.set_ylim(*limits(panel))


def limits(panel: Panel) -> tuple[float, float]:
    """What the curves end in; untrained models lie so far below that the rest would look flat."""
    ends = [float(curve.mean[-1]) for curve in panel.curves.values()]
    top = max(ends) if panel.truth is None else panel.truth
    room = (top - min(ends)) or 1.0
    return top - SHOWN * abs(room), max(top, *ends) + 0.3 * abs(room)
