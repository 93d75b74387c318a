"""Signal-to-noise ratios of gradient estimators: on the Gaussian toy, or on a trained model.

Tighter Variational Bounds are Not Necessarily Better (Rainforth et al., 2018), 1802.04537, figures
of section 4. Without a run the model is the toy, at one x; the paper does not say over how many
points its ratios are. With a run, its weights at one batch of its training data.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from vaelab.diagnosis.base import Diagnosis, Progress, Subject
from vaelab.diagnosis.gaussian_toy import GaussianToy, gaussian_toy
from vaelab.diagnosis.snr_reach import OF_RUN, OF_TOY, Reach, keys
from vaelab.diagnosis.snr_sweep import GROUPS, Source, Sweep, estimator, slopes
from vaelab.diagnosis.snr_toy import Toy, closed_forms, histograms
from vaelab.diagnosis.snr_trained import Trained
from vaelab.errors import UserError
from vaelab.evaluation.moments import floor
from vaelab.files import finite, write_json
from vaelab.reporting.snr import draw_ratios
from vaelab.reporting.style import Heading
from vaelab.runs.provenance import provenance
from vaelab.seeding import seed_from


class Snr(Diagnosis):
    """Ratios over K at M = 1, and over M at a small K.

    Args:
        K: samples inside the logarithm; None, here and below: as OF_TOY or OF_RUN has it.
        M: groups, each of `inner` samples.
        inner: K of the sweep over M.
        estimators: of the sweep over K.
        grouped: of the sweep over M.
        elbo_weight: of ciwae.
        draws: of each gradient; the ratio's floor falls with their root.
        fit_from: least K that a slope over K is fitted to.
        dreg_fit_from: the same for phi under DReG, whose law holds for large K only.
        dims: D of the toy.
        variance: s2 of the toy's q.
        perturbation: of the toy's parameters from their optimum.
        points: the toy's data, whose mean is the optimal mu; the first is x.
        histogram_K: K of the histograms of the toy's gradients.
        examples: of the run's training split, in the batch; its binarisation is drawn once.
        weights: coordinates of every tensor, chosen at random, that a ratio is the mean over.
        epoch: of the run, one of its snapshots; None: the selected one.
        seed: of everything drawn.
    """

    runs = (0, 1)
    of_a_run = frozenset({"examples", "weights", "epoch"})
    of_no_run = frozenset({"dims", "variance", "perturbation", "points", "histogram_K"})

    def __init__(
        self,
        K: list[int] | None,
        M: list[int] | None,
        inner: int,
        estimators: list[str] | None,
        grouped: list[str] | None,
        elbo_weight: float,
        draws: int | None,
        fit_from: int,
        dreg_fit_from: int,
        dims: int,
        variance: float,
        perturbation: float,
        points: int,
        histogram_K: list[int],
        examples: int,
        weights: int,
        epoch: int | None,
        seed: int,
    ) -> None:
        for name, values, least in (
            *(("draws", [draws], 20), ("dims", [dims], 2), ("points", [points], 1)),
            *(("examples", [examples], 1), ("weights", [weights], 1), ("inner", [inner], 1)),
            *(("K", K, 1), ("M", M, 1), ("histogram_K", histogram_K, 1)),
        ):
            for value in values or ():
                if value is not None and value < least:
                    raise UserError(f"{name}={value}: must be at least {least}")
        for name, values in (("K", K), ("M", M)):
            if values is not None and len(set(values)) < max(1, len(values)):
                raise UserError(f"{name}={values}: name one at least, and each once")
        if perturbation < 0:
            raise UserError(f"perturbation={perturbation:g}: must be at least 0")
        if seed < 0:
            raise UserError(f"seed={seed}: must be at least 0")
        if variance <= GaussianToy.posterior_variance / 2:
            raise UserError(
                f"variance={variance:g}: must be above 1/4, half the posterior's; below it the "
                "importance weights have no variance"
            )
        for name in ("ciwae", *(estimators or ()), *(grouped or ())):
            estimator(name, 1, 2, elbo_weight)  # refuses a name that there is not, or the weight
        asked = {"K": K, "M": M, "estimators": estimators, "grouped": grouped, "draws": draws}
        self.asked = {name: value for name, value in asked.items() if value is not None}
        self.inner = inner
        self.elbo_weight = elbo_weight
        self.fit_from, self.dreg_fit_from = fit_from, dreg_fit_from
        self.dims, self.variance, self.perturbation = dims, variance, perturbation
        self.points = points
        self.histogram_K = histogram_K
        self.examples, self.weights, self.epoch, self.seed = examples, weights, epoch, seed

    def __call__(self, subjects: Sequence[Subject], folder: Path, progress: Progress) -> list[Path]:
        """snr.json and figures."""
        return self._run(subjects[0], folder, progress) if subjects else self._toy(folder, progress)

    def summary(self, folder: Path) -> list[str]:
        """The slopes."""
        report = json.loads((folder / "snr.json").read_text(encoding="utf-8"))
        lines = [f"{report['model']}; floor of plain ratios {report['floor']:.2g}"]
        for name, value in report["slopes"].items():
            group, kind, axis = name.split("_")
            fit = report["fits"][name]
            low, high = fit["from_to"]
            lines.append(
                f"{kind:6} {group:5} slope over {axis} {value:+.3f} +- {fit['se']:.1g} "
                f"({axis} = {low} to {high})"
            )
        return lines

    def _toy(self, folder: Path, progress: Progress) -> list[Path]:
        """The Gaussian toy."""
        generator = torch.Generator().manual_seed(seed_from(self.seed, "toy"))
        toy = gaussian_toy(self.dims, self.variance, self.perturbation, self.points, generator)
        reach = replace(OF_TOY, **self.asked)
        source = Toy(toy, reach.draws, self.seed)
        about = (
            f"Gaussian toy, D = {self.dims}, q's variance {self.variance:.3g}, perturbation "
            f"{self.perturbation:g}, one x, {reach.draws} draws, seed {self.seed}"
        )
        record: dict[str, Any] = {"model": about, "closed_forms": closed_forms(toy)}
        written = self._sweep(source, reach, record, folder, progress)
        if self.histogram_K:
            with progress("Gradient estimates", len(self.histogram_K)) as advance:
                drawn = histograms(source, self.histogram_K, about, folder, advance)
            written += drawn
        return written

    def _run(self, subject: Subject, folder: Path, progress: Progress) -> list[Path]:
        """A trained model."""
        loaded = subject.load(self.epoch)
        reach = replace(OF_RUN, **self.asked)
        source = Trained(loaded, reach.draws, self.examples, self.weights, self.seed)
        about = (
            f"{subject.run}, epoch {loaded.epoch}, {len(source.batch.x)} training examples, "
            f"{reach.draws} draws, {self.weights} weights a tensor, seed {self.seed}"
        )
        record: dict[str, Any] = {
            "model": about,
            "epoch": loaded.epoch,
            "labels": loaded.labels,
            "examples": source.batch.index.tolist(),
            "mode": "training mode, KL weight 1",
        }
        return self._sweep(source, reach, record, folder, progress)

    def _sweep(
        self,
        source: Source,
        reach: Reach,
        record: dict[str, Any],
        folder: Path,
        progress: Progress,
    ) -> list[Path]:
        """Points, slopes, their JSON and their figure."""
        over = (
            keys(reach.estimators, [1], reach.K),
            keys(reach.grouped, reach.M, [self.inner]),
        )
        least = {
            f"{group}_{name}_K": self.fit_from for group in GROUPS for name in reach.estimators
        }
        # Its law holds for large K; a sweep that hardly goes there is fitted where it goes.
        if sum(K >= self.dreg_fit_from for K in reach.K) > 1:
            least["phi_dreg_K"] = max(self.fit_from, self.dreg_fit_from)
        with progress("Signal-to-noise ratios", Sweep.work(*over)) as advance:
            sweep = Sweep(source, self.elbo_weight, advance)
            over_K, over_M = ([sweep.point(*key) for key in keys] for keys in over)
        fits = slopes(over_K, "K", least) | slopes(over_M, "M", {})
        record = {
            "slopes": {name: fit.value for name, fit in fits.items()},
            "fits": {name: {"se": fit.se, "from_to": fit.over} for name, fit in fits.items()},
            "floor": floor(reach.draws),
            "draws": reach.draws,
            "seed": self.seed,
            **record,
            "over_K": [point.as_dict() for point in over_K],
            "over_M": [point.as_dict() for point in over_M],
            **provenance(),
        }
        write_json(folder / "snr.json", finite(record))
        heading = Heading("Signal-to-noise ratio of gradients", record["model"])
        drawn = draw_ratios(over_K, over_M, fits, floor(reach.draws), folder / "snr.png", heading)
        return [drawn, folder / "snr.json"]
