"""Figures of gradients' signal-to-noise ratios: against K and M, and histograms of estimates."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from vaelab.reporting.style import (
    BLUE,
    FAINT,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    Heading,
    figure,
    plain,
)

COLOURS = {
    "elbo": GREY,
    "iwae": BLUE,
    "piwae": "#b0413e",
    "ciwae": INK,
    "dreg": ORANGE,
    "stl": GREEN,
    "rws": PURPLE,
}
LEGEND = 12.0  # factor of the ratio below all lines where the legend stands
GROUPS = {"phi": "encoder (φ)", "theta": "decoder (θ)"}


def draw_ratios(
    over_K: Sequence[Any],
    over_M: Sequence[Any],
    fits: Mapping[str, Any],
    floor: float,
    path: Path,
    heading: Heading,
) -> Path:
    """A row of axes for K and one for M, encoder left and decoder right.

    Args:
        over_K: points with estimator, M, K, and of phi and theta snr, se and plug_in.
        over_M: the same.
        fits: by name ("phi_iwae_K") what has a `value`, the slope.
        floor: of ratios whose signal is their own draws' mean.
        path: the file.
        heading: above it.
    """
    shown = [("K", over_K), ("M", over_M)]
    shown = [(axis, points) for axis, points in shown if points]
    with figure(path, (8.6, 0.6 + 3.2 * len(shown)), heading) as drawn:
        grid = drawn.subplots(len(shown), len(GROUPS), squeeze=False)
        for row, (axis, points) in zip(grid, shown, strict=True):
            for axes, (group, label) in zip(row, GROUPS.items(), strict=True):
                _lines(plain(axes), points, axis, group, fits)
                own = "floor where the signal is the draws' own mean"
                axes.axhline(floor, color=FAINT, linewidth=0.9, linestyle="--", label=own)
                axes.set_title(label)
                inner = points[0].K if axis == "M" else None
                axes.set_xlabel("K" if inner is None else f"M, groups of K = {inner}")
                axes.set_ylim(bottom=axes.get_ylim()[0] / LEGEND)
                starred = [text for text in axes.get_legend_handles_labels()[1] if "*" in text]
                title = "* signal: DReG's mean; dotted: their own" if starred else None
                axes.legend(loc="lower left", ncols=2, title=title, title_fontsize="small")
            row[0].set_ylabel("|signal| / sd")
    return path


def _lines(
    axes: Axes, points: Sequence[Any], axis: str, group: str, fits: Mapping[str, Any]
) -> None:
    """One line an estimator; starred where the signal is DReG's mean, dotted with its own."""
    axes.set_xscale("log", base=4)
    axes.set_yscale("log")
    for name in dict.fromkeys(point.estimator for point in points):
        own = [point for point in points if point.estimator == name]
        xs = [getattr(point, axis) for point in own]
        ratios = [getattr(point, group) for point in own]
        fit = fits.get(f"{group}_{name}_{axis}")
        label = "elbo (K outside the log)" if name == "elbo" and axis == "K" else name
        borrowed = any(one.plug_in != one.snr for one in ratios)
        label += "*" if borrowed else ""
        label += "" if fit is None else f", slope {fit.value:+.2f}"
        values, errors = [one.snr for one in ratios], [2 * one.se for one in ratios]
        colour = COLOURS[name]
        axes.errorbar(xs, values, errors, color=colour, label=label, marker="o", markersize=3)
        if borrowed:
            axes.plot(xs, [one.plug_in for one in ratios], color=colour, linestyle=":")
    ticks = sorted({getattr(point, axis) for point in points})
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()


def draw_histograms(
    draws: Mapping[str, np.ndarray], numbers: Sequence[int], path: Path, heading: Heading
) -> Path:
    """Densities of gradient estimates, one colour a K, zero marked.

    Args:
        draws: by name, "phi_10" for K = 10.
        numbers: the K.
        path: the file.
        heading: above it.
    """
    colours = (GREY, GREEN, BLUE, PURPLE, ORANGE, INK)
    with figure(path, (8.6, 3.2), heading) as drawn:
        for axes, (group, label) in zip(drawn.subplots(1, 2), GROUPS.items(), strict=True):
            for number, K in enumerate(numbers):
                values = draws[f"{group}_{K}"]
                low, high = np.quantile(values, (0.001, 0.999))
                axes.hist(
                    values,
                    bins=80,
                    range=(float(low), float(high)),
                    density=True,
                    histtype="step",
                    color=colours[number % len(colours)],
                    label=f"K = {K}",
                )
            plain(axes).axvline(0, color=FAINT, linewidth=0.9)
            axes.set_yscale("log")
            axes.set_title(label)
            axes.set_xlabel("gradient estimate")
            axes.legend(loc="best")
    return path
