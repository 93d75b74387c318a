"""How training went, from the rows of metrics.csv."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from vaelab.reporting.style import BLUE, FAINT, GREEN, GREY, ORANGE, PURPLE, Heading, figure, plain

Row = Mapping[str, Any]
SIDES = (("train", BLUE), ("val", ORANGE))
VISIBLE = 0.5  # nats by which a bound must pass the ELBO to be drawn too
NAMES = {"train": "training", "val": "validation"}


def column(rows: Sequence[Row], name: str) -> np.ndarray:
    """A metric by row, as floats; NaN where a row lacks it."""
    cells = [row.get(name) for row in rows]
    return np.array([float("nan") if cell in (None, "") else float(cell) for cell in cells])


def training_curves(
    rows: Sequence[Row], path: Path, heading: Heading, epoch: int | None = None, exact: bool = False
) -> Path | None:
    """ELBO, its two parts and what the latent is used for; None where there is nothing to draw.

    A band marks the epochs in which the encoder made more steps than the decoder.

    Args:
        rows: one an epoch, with `epoch` and metrics such as `train/elbo` and `val/kl`.
        path: the file.
        heading: above it.
        epoch: marked, where the model that is reported is from.
        exact: the model has no latent: log p(x) is all there is to draw.
    """
    if not rows:
        return None
    epochs = column(rows, "epoch")
    if exact:
        with figure(path, (6.0, 4.0), heading) as drawn:
            axes = plain(drawn.subplots())
            _both(axes, rows, epochs, "elbo", "log p(x) (nats)")
            _epochs(axes, epoch)
            axes.legend(loc="lower right")
        return path
    with figure(path, (8.6, 6.0), heading) as drawn:
        ((elbo, reconstruction), (kl, units)) = drawn.subplots(2, 2)
        _both(plain(elbo), rows, epochs, "elbo", "ELBO (nats)")
        _bound(elbo, rows, epochs)
        _both(plain(reconstruction), rows, epochs, "reconstruction", "E log p(x|z) (nats)")
        _both(kl, rows, epochs, "kl", "KL (nats)")
        _second(kl, epochs, column(rows, "beta"), "beta", GREY, (0, 1.05))
        _line(units, epochs, column(rows, "val/au"), "active units", GREEN)
        units.set_ylabel("active units", color=GREEN)
        units.tick_params(axis="y", colors=GREEN)
        units.yaxis.set_major_locator(MaxNLocator(integer=True))
        units.set_ylim(bottom=0)
        mi, ceiling = column(rows, "val/mi"), column(rows, "val/mi_ceiling")
        _second(units, epochs, mi, "mutual information (nats)", PURPLE, (0, None), ceiling)
        for axes in (elbo, reconstruction, kl, units):
            _epochs(axes, epoch)
            _aggressive(axes, epochs, column(rows, "encoder_steps"))
        elbo.legend(loc="lower right")  # the colours mean the same below
    return path


def _epochs(axes: Axes, reported: int | None) -> None:
    """The axis of time, and the epoch that is reported."""
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    if reported is not None:
        axes.axvline(reported, color=FAINT, linewidth=0.9, linestyle=":", label="reported")


def _aggressive(axes: Axes, epochs: np.ndarray, steps: np.ndarray) -> None:
    """A light band where the encoder made `steps` > 1 for each of the decoder's."""
    (on,) = np.nonzero(steps > 1)
    if len(on) == 0:
        return
    low, high = (f"{one:.0f}" for one in (steps[on].min(), steps[on].max()))
    number = low if low == high else f"{low} to {high}"
    label = f"{number} encoder steps\nfor each decoder step"
    for part in np.split(on, np.flatnonzero(np.diff(on) > 1) + 1):
        left, right = float(epochs[part[0]]) - 0.5, float(epochs[part[-1]]) + 0.5
        axes.axvspan(left, right, color=ORANGE, alpha=0.12, linewidth=0, zorder=0, label=label)
        label = None


def _both(axes: Axes, rows: Sequence[Row], epochs: np.ndarray, name: str, label: str) -> None:
    """Training and validation of one metric."""
    shown = []
    for side, colour in SIDES:
        values = column(rows, f"{side}/{name}")
        _line(axes, epochs, values, NAMES[side], colour)
        # The first epochs lie so far off that the rest would look flat.
        shown.append(values[len(values) // 20 :])
    finite = np.concatenate(shown)
    finite = finite[np.isfinite(finite)]
    if len(finite) > 0:
        margin = 0.06 * (finite.max() - finite.min()) or 1.0
        axes.set_ylim(finite.min() - margin, finite.max() + margin)
    axes.set_ylabel(label)


def _bound(axes: Axes, rows: Sequence[Row], epochs: np.ndarray) -> None:
    """The bound that is trained, dashed beside the ELBO, where it is visibly another."""
    gain = column(rows, "val/bound") - column(rows, "val/elbo")
    if not np.nanmax(np.append(gain, -np.inf)) > VISIBLE:
        return
    for side, colour in SIDES:
        axes.plot(epochs, column(rows, f"{side}/bound"), color=colour, linestyle="--")
    axes.plot([], [], color=GREY, linestyle="--", label="bound")
    highest = np.nanmax([column(rows, f"{side}/bound") for side, _ in SIDES])
    bottom, top = axes.get_ylim()
    axes.set_ylim(top=max(top, highest + 0.04 * (highest - bottom)))


def _second(
    axes: Axes,
    epochs: np.ndarray,
    values: np.ndarray,
    label: str,
    colour: str,
    limits: tuple[float | None, float | None] = (None, None),
    ceiling: np.ndarray | None = None,
) -> None:
    """One metric on a scale of its own on the right, which takes the colour of its line.

    What it cannot pass is a thin dashed line.
    """
    if not np.isfinite(values).any():
        plain(axes)
        return
    right = axes.twinx()
    right.grid(visible=False)
    _line(right, epochs, values, label, colour)
    if ceiling is not None and np.isfinite(ceiling).any():
        highest = float(np.nanmax(ceiling))
        right.axhline(highest, color=colour, linewidth=0.8, linestyle="--")
        place = {"xycoords": right.get_yaxis_transform(), "xytext": (-4, -2)}
        style = {"textcoords": "offset points", "ha": "right", "va": "top", "fontsize": 7}
        right.annotate("ceiling", (1, highest), color=colour, **place, **style)
    right.set_ylabel(label, color=colour)
    right.tick_params(axis="y", colors=colour)
    right.set_ylim(*limits)


def _line(axes: Axes, x: np.ndarray, y: np.ndarray, label: str, colour: str) -> None:
    """A line; of a single epoch, a dot."""
    if np.isfinite(y).any():
        marker = "o" if np.isfinite(y).sum() == 1 else None
        axes.plot(x, y, color=colour, label=label, marker=marker, markersize=4)
