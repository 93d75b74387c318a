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
    rows: Sequence[Row], path: Path, heading: Heading, epoch: int | None = None
) -> Path | None:
    """ELBO, its two parts and what the latent is used for; None where there is nothing to draw.

    Args:
        rows: one an epoch, with `epoch` and metrics such as `train/elbo` and `val/kl`.
        path: the file.
        heading: above it.
        epoch: marked, where the model that is reported is from.
    """
    if not rows:
        return None
    epochs = column(rows, "epoch")
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
        _second(
            units, epochs, column(rows, "val/mi"), "mutual information (nats)", PURPLE, (0, None)
        )
        for axes in (elbo, reconstruction, kl, units):
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
            if epoch is not None:
                axes.axvline(epoch, color=FAINT, linewidth=0.9, linestyle=":", label="reported")
        elbo.legend(loc="lower right")  # the colours mean the same below
    return path


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
) -> None:
    """One metric on a scale of its own on the right, which takes the colour of its line."""
    if not np.isfinite(values).any():
        plain(axes)
        return
    right = axes.twinx()
    right.grid(visible=False)
    _line(right, epochs, values, label, colour)
    right.set_ylabel(label, color=colour)
    right.tick_params(axis="y", colors=colour)
    right.set_ylim(*limits)


def _line(axes: Axes, x: np.ndarray, y: np.ndarray, label: str, colour: str) -> None:
    """A line; of a single epoch, a dot."""
    if np.isfinite(y).any():
        marker = "o" if np.isfinite(y).sum() == 1 else None
        axes.plot(x, y, color=colour, label=label, marker=marker, markersize=4)
