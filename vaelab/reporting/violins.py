"""Distributions over examples side by side, one violin each."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vaelab.reporting.style import BLUE, INK, Heading, figure, plain

HEIGHT, WIDTH, LEAST = 4.2, 1.1, 4.5  # inches: of the figure, of a violin, and of few of them
LETTERS = 14  # of a label in one line below its violin


def violins(
    values: Mapping[str, NDArray[np.floating]], unit: str, path: Path, heading: Heading
) -> Path:
    """A violin for each label, with quartiles as a bar and the mean as a dot; from 0 up."""
    places = np.arange(1, len(values) + 1)
    with figure(path, (max(LEAST, WIDTH * len(values) + 1), HEIGHT), heading) as drawn:
        axes = plain(drawn.subplots())
        spread = [one for one in values.values() if np.ptp(one) > 0]
        where = [place for place, one in zip(places, values.values(), strict=True) if np.ptp(one)]
        if spread:  # of equal values there is no density to draw
            bodies = axes.violinplot(spread, where, widths=0.8, showextrema=False)["bodies"]
            for body in bodies:  # pyright: ignore[reportGeneralTypeIssues]
                body.set(facecolor=BLUE, alpha=0.45, linewidth=0)
        for place, one in zip(places, values.values(), strict=True):
            low, middle, high = np.quantile(one, [0.25, 0.5, 0.75])
            axes.vlines(place, low, high, color=INK, linewidth=3)
            axes.hlines(middle, place - 0.12, place + 0.12, color=INK, linewidth=1.2)
            axes.plot(place, one.mean(), "o", color="white", markeredgecolor=INK, markersize=5)
        axes.set_xticks(places, [_folded(label) for label in values])
        axes.set_ylabel(unit)
        axes.set_ylim(bottom=0)
        axes.set_xlim(0.4, len(values) + 0.6)
    return path


def _folded(label: str) -> str:
    """Broken at ", " where a line would be too long."""
    lines = [""]
    for part in label.split(", "):
        fits = len(lines[-1]) + len(part) < LETTERS
        if lines[-1] and fits:
            lines[-1] += f", {part}"
        else:
            lines.append(part)
    return "\n".join(line for line in lines if line)
