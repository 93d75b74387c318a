"""How inference strategies move one example's posterior over its negative ELBO.

Semi-Amortized Variational Autoencoders (Kim et al., 2018), 1802.02550, figure 1: over the two means
of q(z|x), where a VAE's encoder, SVI and SA-VAE begin and end, and the best that a search finds.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from vaelab.diagnosis.base import Diagnosis, Progress, Subject
from vaelab.diagnosis.landscape import Gaussians, Landscape
from vaelab.diagnosis.svi_paths import Place, SviPath, walked
from vaelab.errors import UserError
from vaelab.files import write_json
from vaelab.reporting.landscape import Picture, draw
from vaelab.reporting.style import Heading

MARGIN = 0.25  # of the paths' extent, around them
SURFACE = 121  # means along an axis of the picture
SAME = 1e-2  # nats: runs of one model agree to rounding
DOUBT = "not wholly inside the grid, or too narrow for it"


class SviLandscape(Diagnosis):
    """Contours of -ELBO over the means of q, log-variances as the best posterior has them.

    All runs must have one generator and see one example. Every run's batch is as large as in
    training, since steps on a batch's mean depend on it.

    Args:
        example: of the batch, from 0.
        split: of the data.
        seed: of the batch and of the refinement's noise.
        extent: half the side of the grid of z, around 0.
        points: of z along a side.
        chunk: points of z in one pass of the decoder.
        epoch: whose weights, one of `snapshots`; None: of the selected epoch.
    """

    def __init__(
        self,
        example: int,
        split: Literal["train", "valid", "test"],
        seed: int,
        extent: float,
        points: int,
        chunk: int,
        epoch: int | None,
    ) -> None:
        least = {"example": 0, "points": 16, "chunk": 1}
        for name, value in zip(least, (example, points, chunk), strict=True):
            if value < least[name]:
                raise UserError(f"{name}={value}: must be at least {least[name]}")
        if extent <= 0:
            raise UserError(f"extent={extent}: must be more than 0")
        self.place = Place(split, example, seed, extent, points, chunk)
        self.epoch = epoch

    def __call__(self, subjects: Sequence[Subject], folder: Path, progress: Progress) -> list[Path]:
        """svi_landscape.json, svi_landscape.png, and an .npz of the surface that is drawn."""
        paths: dict[str, SviPath] = {}
        with progress("Landscapes", len(subjects)) as advance:
            for subject in subjects:
                paths[subject.label] = walked(subject, self.place, self.epoch)
                advance(1)
        landscape = common(paths)
        best = landscape.best()
        report = self.report(paths, landscape, best)
        write_json(folder / "svi_landscape.json", report)
        picture = pictured(landscape, best, paths, report)
        arrays = {"first": picture.first, "second": picture.second, "surface": picture.surface}
        np.savez(folder / "svi_landscape.npz", **arrays)  # pyright: ignore
        marks = dict.fromkeys(mark for one in paths.values() for mark in one.labels)
        variances = ", ".join(f"{one:.2f}" for one in best.log_var[0].tolist())
        about = [f"{self.place.split} example {report['row']}", f"log-variances {variances}"]
        heading = Heading(
            "Negative ELBO over the means of q(z|x), nats", "; ".join([*marks, *about])
        )
        drawn = draw(picture, folder / "svi_landscape.png", heading)
        return [drawn, folder / "svi_landscape.json", folder / "svi_landscape.npz"]

    def report(
        self, paths: Mapping[str, SviPath], landscape: Landscape, best: Gaussians
    ) -> dict[str, Any]:
        """Everything in numbers: of each run -ELBO at every step, with its own log-variances."""
        lowest = float(landscape.negative_elbo(best))
        runs = {}
        for label, one in paths.items():
            q = Gaussians(one.mean, one.log_var)
            values = landscape.negative_elbo(q)
            runs[label] = {
                "mean": one.mean.tolist(),
                "log_var": one.log_var.tolist(),
                "negative_elbo": values.tolist(),
                "above_optimum": float(values[-1]) - lowest,
                "kl": float(values[-1]) + landscape.log_px,
                "inside": landscape.holds(q),
                "epoch": one.epoch,
                "labels": one.labels,
            }
        return {
            "estimator": f"sum over a grid of z, step {landscape.step:.3g}",
            "split": self.place.split,
            "row": next(iter(paths.values())).row,
            "log_px": landscape.log_px,
            "optimum": {
                "mean": best.mean[0].tolist(),
                "log_var": best.log_var[0].tolist(),
                "negative_elbo": lowest,
            },
            "runs": runs,
        }

    def summary(self, folder: Path) -> list[str]:
        """Where each run ends."""
        report = json.loads((folder / "svi_landscape.json").read_text(encoding="utf-8"))
        lines = []
        for label, one in report["runs"].items():
            values, doubt = one["negative_elbo"], "" if one["inside"] else f" ({DOUBT})"
            steps = f" after {len(values) - 1} steps from {values[0]:.3f}" if values[1:] else ""
            above = f"{one['above_optimum']:.3f} above the optimum"
            lines.append(f"{label}: -ELBO {values[-1]:.3f}{steps}, {above}{doubt}")
        lowest = report["optimum"]["negative_elbo"]
        return [*lines, f"optimum: -ELBO {lowest:.3f}; -log p(x) {-report['log_px']:.3f}"]


def common(paths: Mapping[str, SviPath]) -> Landscape:
    """The landscape of all runs.

    Raises:
        UserError: they have several.
    """
    (first, one), *others = paths.items()
    for label, other in others:
        apart = (other.landscape.log_joint - one.landscape.log_joint).abs().max()
        if not float(apart) < SAME:
            raise UserError(
                f"{label} has another p(x, z) of this example than {first}: a landscape is of one "
                "model; name runs of the same data with architecture.generator=oracle, or one run"
            )
    return one.landscape


def pictured(
    landscape: Landscape,
    best: Gaussians,
    paths: Mapping[str, SviPath],
    report: Mapping[str, Any],
) -> Picture:
    """The part of the landscape where the paths are, square."""
    every = torch.cat([*(one.mean for one in paths.values()), best.mean])
    low, high = every.amin(0), every.amax(0)
    half = float((high - low).max()) * (0.5 + MARGIN) + landscape.step
    axes = [
        torch.linspace(one - half, one + half, SURFACE).to(landscape.places)
        for one in ((low + high) / 2).tolist()
    ]
    surface = landscape.surface(axes[0], axes[1], best.log_var[0])
    ends = {label: report["runs"][label]["negative_elbo"][-1] for label in paths}
    named = {f"{label}: {ends[label]:.2f}": one.mean.cpu().numpy() for label, one in paths.items()}
    return Picture(
        first=axes[0].cpu().numpy(),
        second=axes[1].cpu().numpy(),
        surface=surface.cpu().numpy(),
        paths=named,
        best=best.mean[0].cpu().numpy(),
        lowest=report["optimum"]["negative_elbo"],
        floor=-landscape.log_px,
    )
