"""The path that one example's posterior means take, update by update.

Lagging Inference Networks and Posterior Collapse in VAEs (He et al., 2019), 1901.05534, figure 3:
one batch is every outer and inner batch, and the means are recorded after every update.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from vaelab.diagnosis.base import Diagnosis, Progress, Subject
from vaelab.diagnosis.lag_records import Lag, marks, read
from vaelab.errors import UserError
from vaelab.files import write_json
from vaelab.reporting.style import Heading
from vaelab.reporting.trajectory import Trajectory, draw


class PosteriorTrajectory(Diagnosis):
    """One example's path in each run, some of its points joined by arrows.

    Args:
        points: the first and the last of these.
        example: of those recorded; None: the one that moves farthest in the runs together.
    """

    def __init__(self, points: tuple[int, int], example: int | None) -> None:
        first, last = points
        if not 0 <= first < last:
            raise UserError(f"points={list(points)}: must be two numbers from 0 on, ascending")
        if example is not None and example < 0:
            raise UserError(f"example={example}: must be 0 or more; null for the liveliest")
        self.points = slice(first, last + 1)
        self.example = example

    def __call__(self, subjects: Sequence[Subject], folder: Path, progress: Progress) -> list[Path]:
        """posterior_trajectory.json and posterior_trajectory.png."""
        lags = {subject.label: read(subject) for subject in subjects}
        paths = {subject.label: self.path(subject, lags[subject.label]) for subject in subjects}
        example = self.chosen(lags, paths)
        of_one = {label: path[:, example] for label, path in paths.items()}
        runs = {label: self.record(lags[label], path, example) for label, path in of_one.items()}
        report = {"estimator": "sum over a grid, without dropout", "split": "train", "runs": runs}
        write_json(folder / "posterior_trajectory.json", report)
        first, last = self.points.start, self.points.stop - 1
        about = [f"training example {example}", f"arrows: points {first} to {last} of its path"]
        heading = Heading("Posterior means of one example", "; ".join([*marks(subjects), *about]))
        shown = {label: Trajectory(path, self.points) for label, path in of_one.items()}
        drawn = draw(shown, folder / "posterior_trajectory.png", heading)
        return [drawn, folder / "posterior_trajectory.json"]

    def path(self, subject: Subject, lag: Lag) -> Float[ndarray, "P N 2"]:
        """Of all examples.

        Raises:
            UserError: it has not so many points.
        """
        path = corners(lag)
        if len(path) < self.points.stop:
            raise UserError(
                f"{subject.run}: the path has {len(path)} points; choose fewer with points=, or "
                "train with watch.every=1 and more epochs"
            )
        return path

    def chosen(self, lags: dict[str, Lag], paths: dict[str, Float[ndarray, "P N 2"]]) -> int:
        """Which example is drawn.

        Raises:
            UserError: the runs recorded others, or there is none of this number.
        """
        index = next(iter(lags.values())).index
        if any(not np.array_equal(index, lag.index) for lag in lags.values()):
            raise UserError(
                "the runs recorded different examples; they need the same data and seed"
            )
        if self.example is None:
            steps = [np.abs(np.diff(path[self.points], axis=0)) for path in paths.values()]
            # Each run counts alike, however far its means go.
            moves = [step.sum((0, 2)) / max(step.sum(), 1e-300) for step in steps]
            return int(np.sum(moves, 0).argmax())
        if self.example >= len(index):
            raise UserError(f"example={self.example}: {len(index)} were recorded, from 0 on")
        return self.example

    def record(self, lag: Lag, path: Float[ndarray, "P 2"], example: int) -> dict[str, Any]:
        """A run's numbers."""
        return {
            "example": example,
            "row": int(lag.index[example]),
            "points": [self.points.start, self.points.stop - 1],
            "model": path[:, 0].tolist(),
            "encoder": path[:, 1].tolist(),
            "updates": lag.update.tolist(),
        }

    def summary(self, folder: Path) -> list[str]:
        """Where the shown part of each path begins and ends."""
        report = json.loads((folder / "posterior_trajectory.json").read_text(encoding="utf-8"))
        lines = []
        for label, one in report["runs"].items():
            ends = [f"({one['model'][at]:.3g}, {one['encoder'][at]:.3g})" for at in one["points"]]
            lines.append(f"{label}: example {one['example']} (model, encoder) {' to '.join(ends)}")
        return lines


def corners(lag: Lag) -> Float[ndarray, "P N 2"]:
    """Points (model, encoder) of every example's path.

    Where the encoder stepped more often than the decoder between two records of successive
    updates, it did so alone, before the decoder moved alone: the path turns where the model's mean
    is still the old one and the encoder's the new one. That is exact, since neither mean depends
    on the other network, except for a prior made of the encoder and running statistics of batch
    normalisation. Records that are farther apart are joined by straight lines.
    """
    points = [np.stack([lag.model[0], lag.encoder[0]], -1)]
    between = zip(np.diff(lag.update), np.diff(lag.encoder_updates), strict=True)
    for at, (updates, encoder_updates) in enumerate(between, start=1):
        if updates == 1 and encoder_updates > updates:
            points.append(np.stack([lag.model[at - 1], lag.encoder[at]], -1))
        points.append(np.stack([lag.model[at], lag.encoder[at]], -1))
    return np.stack(points)
