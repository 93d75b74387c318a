"""Density estimation against computation: log p(x) of validation data over what training spent.

Bounds differ in tightness between ways to train; log p(x) by quadrature does not (runs with
watch=log_likelihood). Runs that differ in seeds alone are one curve, with its spread.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from vaelab.composing.identity import canonical, config_hash
from vaelab.diagnosis.base import Diagnosis, Progress, Subject
from vaelab.diagnosis.density_records import Density, read
from vaelab.diagnosis.lag_records import marks
from vaelab.errors import UserError
from vaelab.files import finite, write_json
from vaelab.reporting.computation import Curve, Panel, draw
from vaelab.reporting.style import Heading

WHAT = "log p(x) of validation data against computation"
POINTS, WITHIN = 150, 20  # of a curve, evenly spaced on a log axis; looked at for each of them

Axis = Literal["decoder_passes", "passes", "seconds"]
Groups = dict[str, dict[str, list[Subject]]]


class Computation(Diagnosis):
    """Panels by data set and axis, a curve for each way to train, and the truth where it is known.

    Args:
        over: an axis each: passes of the decoder, of both networks, or seconds spent in updates
            and in what came before them.
        within: nats below the truth; what it took to come so near is among the numbers.
    """

    def __init__(self, over: Sequence[Axis], within: float) -> None:
        if not over or len(set(over)) < len(over):
            raise UserError(f"over={list(over)}: name one or more, each once")
        if within <= 0:
            raise UserError(f"within={within:g}: must be more than 0")
        self.over = over
        self.within = within

    def __call__(self, subjects: Sequence[Subject], folder: Path, progress: Progress) -> list[Path]:
        """computation.json and computation.png."""
        panels, numbers = [], {}
        for name, curves in grouped(subjects).items():
            found = {label: [read(one) for one in own] for label, own in curves.items()}
            numbers[name] = {label: self.numbers(runs) for label, runs in found.items()}
            for axis in self.over:
                lines = {label: together(runs, axis) for label, runs in found.items()}
                known = all(one.truth is not None for runs in found.values() for one in runs)
                panels.append(Panel(name, axis.replace("_", " "), lines, known))
        counts = sorted({len(one["final"]) for own in numbers.values() for one in own.values()})
        report = {
            "estimator": "quadrature, the mean of examples, then of seeds",
            "split": "valid",
            "within": self.within,
            "panels": numbers,
        }
        write_json(folder / "computation.json", finite(report))
        seeds = f"{' or '.join(map(str, counts))} {'seeds' if counts[-1] > 1 else 'seed'}"
        about = [f"mean of {seeds}", *(["band: sd over seeds"] if counts[-1] > 1 else [])]
        about.append("truth: the data's own density of the same examples")
        heading = Heading(WHAT, "; ".join([*marks(subjects), *about]))
        drawn = draw(panels, len(self.over), folder / "computation.png", heading)
        return [drawn, folder / "computation.json"]

    def numbers(self, runs: Sequence[Density]) -> dict[str, Any]:
        """Of one curve, a list over its seeds each; what was never reached is null."""
        found: dict[str, Any] = {"final": [float(run.log_likelihood[-1]) for run in runs]}
        found["below_truth"] = [
            None if run.truth is None else run.truth - float(run.log_likelihood[-1]) for run in runs
        ]
        for axis in ("decoder_passes", "passes", "seconds"):
            found[axis] = [float(run.spent[axis][-1]) for run in runs]
            found[f"{axis}_within"] = [reached(run, axis, self.within) for run in runs]
        return found

    def summary(self, folder: Path) -> list[str]:
        """Each curve's end, and what it took to come near the truth."""
        report = json.loads((folder / "computation.json").read_text(encoding="utf-8"))
        within, lines = report["within"], []
        for name, curves in report["panels"].items():
            for label, one in curves.items():
                said = f"{name}, {label}: log p(x) {np.mean(one['final']):.3f}"
                if None not in one["below_truth"]:
                    said += f", {np.mean(one['below_truth']):.3f} below the truth"
                    near = [passes for passes in one["decoder_passes_within"] if passes is not None]
                    said += f"; within {within:g} in {len(near)} of {len(one['final'])} seeds"
                    said += f", after {np.mean(near):,.0f} decoder passes" if near else ""
                lines.append(said)
        return lines


def grouped(subjects: Sequence[Subject]) -> Groups:
    """Runs by data set, then by everything else but seeds, under what their labels share."""
    panels: dict[str, dict[str, list[Subject]]] = {}
    for one in subjects:
        # Seeds of data belong to the run's: a repetition may draw its own.
        data = {k: v for k, v in one.config["dataset"].items() if not k.endswith("seed")}
        alike = config_hash({**one.config, "dataset": data})
        panels.setdefault(json.dumps(canonical(data)), {}).setdefault(alike, []).append(one)
    named: Groups = {}
    for curves in panels.values():
        every = list(curves.values())
        name = every[0][0].config["choices"]["dataset"]
        name += f" ({sum(other.startswith(name) for other in named) + 1})" if name in named else ""
        named[name] = dict(zip(names(every), every, strict=True))
    return named


def names(curves: Sequence[Sequence[Subject]]) -> list[str]:
    """What the labels of a curve's runs share and those of other curves do not; all different."""
    shared = [pieces(*own) for own in curves]
    common = set.intersection(*map(set, shared)) if len(shared) > 1 else set()
    found = []
    for own, every in zip(curves, shared, strict=True):
        name = ", ".join(piece for piece in every if piece not in common) or own[0].label
        found.append(name if name not in found else own[0].label)
    return found


def pieces(*subjects: Subject) -> list[str]:
    """The parts of the first's label that all have."""
    every = [one.label.split(", ") for one in subjects]
    return [piece for piece in every[0] if all(piece in other for other in every)]


def together(runs: Sequence[Density], axis: str) -> Curve:
    """Log p(x) above each one's truth, mean and sd over seeds, where all have records.

    Seeds that draw data of their own have truths of their own; what they do to log p(x), they do
    to that of every way to train. Without a truth it is log p(x) itself.
    """
    spent = [run.spent[axis] for run in runs]
    low = max(float(one[one > 0][0]) for one in spent)
    high = max(low, min(float(one[-1]) for one in spent))
    edges = np.linspace(np.log(low), np.log(high), POINTS * WITHIN + 1)
    x = (edges[:-1] + edges[1:]) / 2
    above = [
        smoothed(x, one, run.log_likelihood) - (run.truth or 0.0)
        for one, run in zip(spent, runs, strict=True)
    ]
    spread = np.std(above, axis=0, ddof=1) if len(runs) > 1 else None
    return Curve(np.exp(x.reshape(POINTS, -1).mean(1)), np.mean(above, axis=0), spread)


def smoothed(
    x: Float[ndarray, "PW"], spent: Float[ndarray, "R"], value: Float[ndarray, "R"]
) -> Float[ndarray, "P"]:
    """A run's values at the logarithms x, between its records, each the mean of WITHIN."""
    begun = spent > 0
    return np.interp(x, np.log(spent[begun]), value[begun]).reshape(POINTS, -1).mean(1)


def reached(run: Density, axis: str, within: float) -> float | None:
    """What was spent before the first record that is so near the truth; None: no record is."""
    if run.truth is None:
        return None
    (near,) = np.nonzero(run.truth - run.log_likelihood <= within)
    return float(run.spent[axis][near[0]]) if len(near) else None
