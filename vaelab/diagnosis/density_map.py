"""Densities of two numbers that runs have learned, beside the one that the data are drawn from."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
import torch

from vaelab.composing.identity import canonical
from vaelab.dataset.known_model import KnownModel
from vaelab.diagnosis.base import Diagnosis, Loaded, Progress, Subject
from vaelab.diagnosis.density import REACH, Box, draws, known_curves, learned_curves, on_grid
from vaelab.diagnosis.integral import integral, start
from vaelab.errors import UserError
from vaelab.files import write_json
from vaelab.reporting.densities import Column, draw
from vaelab.reporting.style import Heading

LETTERS = 32  # of a label in a line of its title


class DensityMap(Diagnosis):
    """log p(x), samples and E[x|z] of each run on data of two numbers; one picture a data set.

    Args:
        points: cells of x along a side of a map.
        samples: drawn from each model, and test examples shown, at most.
        seed: of the samples.
        chunk: points of z in one pass of the decoder.
        epoch: whose weights, one of `snapshots`; None: of the selected epoch.
    """

    def __init__(self, points: int, samples: int, seed: int, chunk: int, epoch: int | None) -> None:
        least = {"points": 8, "samples": 1, "chunk": 1}
        for name, value in zip(least, (points, samples, chunk), strict=True):
            if value < least[name]:
                raise UserError(f"{name}={value}: must be at least {least[name]}")
        self.points = points
        self.samples = samples
        self.seed = seed
        self.chunk = chunk
        self.epoch = epoch

    def __call__(self, subjects: Sequence[Subject], folder: Path, progress: Progress) -> list[Path]:
        """density_map.json, and of each data set a picture and an .npz of its maps."""
        report: dict[str, Any] = {}
        written = []
        with progress("Densities", len(subjects)) as advance:
            for name, alike in grouped(subjects).items():
                report[name] = found = {"true": None, "runs": {}}
                columns: list[Column] = []
                for label, subject in zip(shortened(alike), alike, strict=True):
                    loaded = subject.load(self.epoch)
                    check(subject, loaded)
                    box = Box.around(loaded.splits.test.x, self.points)
                    if not columns:
                        column, found["true"] = self._data(loaded, box)
                        columns.append(column)
                    column, found["runs"][subject.label] = self._run(subject, loaded, box, label)
                    columns.append(column)
                    advance(1)
                path = folder / f"density_map-{name}.png"
                heading = Heading(f"{name}: learned densities", captions(found["runs"]))
                draw(columns, box.extent, columns[0].points, path, heading)
                written += [path, stored(path.with_suffix(".npz"), columns, box, subjects=alike)]
        write_json(folder / "density_map.json", report)
        return [*written, folder / "density_map.json"]

    def _data(self, loaded: Loaded, box: Box) -> tuple[Column, float | None]:
        """Test examples and, where it is known, their density; its mean at them."""
        test, dataset = loaded.splits.test.x.double().cpu(), loaded.dataset
        points = test[: self.samples].numpy()
        if not isinstance(dataset, KnownModel):
            return Column("data", None, points, [], learned=False), None
        mean = float(dataset.log_marginal(test).mean())
        log_px = dataset.log_marginal(box.middles).view(box.points, box.points).numpy()
        title = f"truth\n{mean:.3f}"
        return Column(title, log_px, points, known_curves(dataset), learned=False), mean

    def _run(
        self, subject: Subject, loaded: Loaded, box: Box, label: str
    ) -> tuple[Column, dict[str, Any]]:
        """A learned model, and its numbers."""
        grid = start(loaded, subject)
        index = torch.arange(len(loaded.splits.test), device=loaded.device)
        test = integral(loaded, loaded.splits.test[index], grid, self.chunk)
        places = box.middles.to(loaded.splits.train.x)
        log_px = on_grid(loaded, places, test.grid, self.chunk).view(box.points, box.points)
        mean = float(test.log_px.mean())
        column = Column(
            title=f"{label}\n{mean:.3f}",
            log_px=log_px.numpy(),
            points=draws(loaded, self.samples, self.seed).numpy(),
            curves=learned_curves(loaded, grid.dim),
            learned=True,
        )
        return column, {
            "log_likelihood": mean,
            "se": float(test.log_px.std() / len(index) ** 0.5),
            "estimator": f"quadrature, {test.grid.words}",
            "settled": test.settled,
            "n": len(index),
            "epoch": loaded.epoch,
            "labels": loaded.labels,
        }

    def summary(self, folder: Path) -> list[str]:
        """Mean test log-likelihoods."""
        report = json.loads((folder / "density_map.json").read_text(encoding="utf-8"))
        lines = []
        for name, found in report.items():
            truth = "" if found["true"] is None else f" (truth {found['true']:.3f})"
            for label, one in found["runs"].items():
                doubt = "" if one["settled"] else ", not settled"
                value = f"{one['log_likelihood']:.3f} +- {one['se']:.2g}"
                lines.append(f"{name}, {label}: test log p(x) {value}{truth}{doubt}")
        return lines


def grouped(subjects: Sequence[Subject]) -> dict[str, list[Subject]]:
    """Those of one data set with one set of settings together, by its name; numbered if need be."""
    groups: dict[str, list[Subject]] = {}
    for subject in subjects:
        text = json.dumps(canonical(subject.config["dataset"]), sort_keys=True)
        groups.setdefault(text, []).append(subject)
    found: dict[str, list[Subject]] = {}
    for alike in groups.values():
        name = str(alike[0].config["choices"]["dataset"])
        taken = sum(one.partition("-")[0] == name for one in found)
        found[name if not taken else f"{name}-{taken + 1}"] = alike
    return found


def shortened(subjects: Sequence[Subject]) -> list[str]:
    """Labels without what all of them say, in two lines at most."""
    parts = [one.label.split(", ") for one in subjects]
    common = set.intersection(*map(set, parts)) if len(parts) > 1 else set()
    kept = [", ".join(one for one in part if one not in common) or part[0] for part in parts]
    return [fill(one, LETTERS, max_lines=2, placeholder=" ...") for one in kept]


def check(subject: Subject, loaded: Loaded) -> None:
    """Refuse what cannot be drawn.

    Raises:
        UserError: data are not vectors of two numbers.
    """
    x = loaded.splits.test.x
    if x.shape[1:] != (2,) or not x.is_floating_point():
        raise UserError(
            f"{subject.run}: its data have shape {list(x.shape[1:])}; a density is drawn over two "
            "numbers (dataset=circle, figure8, ...)"
        )


def captions(runs: Mapping[str, Mapping[str, Any]]) -> str:
    """Estimators and marks, each once."""
    marks = [mark for one in runs.values() for mark in one["labels"]]
    estimators = {one["estimator"]: None for one in runs.values()}
    marks += [] if all(one["settled"] for one in runs.values()) else ["quadrature not settled"]
    numbers = f"numbers: mean test log p(x), nats, {' or '.join(estimators)}"
    return "; ".join(dict.fromkeys([*marks, numbers, f"lines: E[x|z], z from -{REACH} to {REACH}"]))


def stored(path: Path, columns: Sequence[Column], box: Box, subjects: Sequence[Subject]) -> Path:
    """The maps, by label."""
    labels = ["true", *(one.label for one in subjects)]
    maps = {
        label: one.log_px.astype(np.float32)
        for label, one in zip(labels, columns, strict=True)
        if one.log_px is not None
    }
    np.savez(path, extent=np.array(box.extent), **maps)  # pyright: ignore
    return path
