"""Signal-to-noise ratios of gradient estimators: on the Gaussian toy, or on a trained model.

Tighter Variational Bounds are Not Necessarily Better (Rainforth et al., 2018), 1802.04537, figures
of section 4. Without a run the model is the toy, at one x; the paper does not say over how many
points its ratios are. With a run, its weights at one batch of its training data.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from vaelab.diagnosis.base import Diagnosis, Progress, Subject
from vaelab.diagnosis.gaussian_toy import GaussianToy, gaussian_toy
from vaelab.diagnosis.snr_sweep import GROUPS, Key, Source, Sweep, estimator, exists, slopes
from vaelab.diagnosis.snr_toy import Toy, closed_forms, histograms
from vaelab.diagnosis.snr_trained import Trained
from vaelab.errors import UserError
from vaelab.evaluation.moments import floor
from vaelab.files import write_json
from vaelab.provenance import provenance
from vaelab.reporting.snr import draw_ratios
from vaelab.reporting.style import Heading
from vaelab.seeding import seed_from


class Snr(Diagnosis):
    """Ratios over K at M = 1, and over M at a small K.

    Args:
        K: samples inside the logarithm.
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
        run_K: K for a run.
        run_M: M for a run.
        run_estimators: `estimators` for a run.
        run_grouped: `grouped` for a run.
        run_draws: `draws` for a run.
        examples: of the run's training split, in the batch; its binarisation is drawn once.
        weights: coordinates of every tensor, chosen at random, that a ratio is the mean over.
        epoch: of the run, one of its snapshots; None: the best.
        seed: of everything drawn.
    """

    runs = (0, 1)

    def __init__(
        self,
        K: list[int],
        M: list[int],
        inner: int,
        estimators: list[str],
        grouped: list[str],
        elbo_weight: float,
        draws: int,
        fit_from: int,
        dreg_fit_from: int,
        dims: int,
        variance: float,
        perturbation: float,
        points: int,
        histogram_K: list[int],
        run_K: list[int],
        run_M: list[int],
        run_estimators: list[str],
        run_grouped: list[str],
        run_draws: int,
        examples: int,
        weights: int,
        epoch: int | None,
        seed: int,
    ) -> None:
        for name, value, least in (
            *(("draws", draws, 20), ("run_draws", run_draws, 20), ("dims", dims, 2)),
            *(("points", points, 1), ("examples", examples, 1), ("weights", weights, 1)),
            *(("inner", inner, 1), ("K", min(K, default=0), 1), ("M", min(M, default=0), 1)),
            *(("run_K", min(run_K, default=1), 1), ("run_M", min(run_M, default=1), 1)),
            ("histogram_K", min(histogram_K, default=1), 1),
        ):
            if value < least:
                raise UserError(f"{name}={value}: must be at least {least}")
        if variance <= GaussianToy.posterior_variance / 2:
            raise UserError(
                f"variance={variance:g}: must be above 1/4, half the posterior's; below it the "
                "importance weights have no variance"
            )
        for name in (*estimators, *grouped, *run_estimators, *run_grouped):
            estimator(name, 1, 2, elbo_weight)  # refuses a name that there is not
        self.over_K = _keys(estimators, [1], K)
        self.over_M = _keys(grouped, M, [inner])
        self.run_over_K = _keys(run_estimators, [1], run_K)
        self.run_over_M = _keys(run_grouped, run_M, [inner])
        named = [f"{one}_K" for one in dict.fromkeys([*estimators, *run_estimators])]
        self.least = {f"{group}_{name}": fit_from for group in GROUPS for name in named}
        self.least["phi_dreg_K"] = max(fit_from, dreg_fit_from)
        self.elbo_weight = elbo_weight
        self.draws, self.run_draws = draws, run_draws
        self.dims, self.variance, self.perturbation = dims, variance, perturbation
        self.points = points
        self.histogram_K = histogram_K
        self.examples, self.weights, self.epoch, self.seed = examples, weights, epoch, seed

    def __call__(self, subjects: Sequence[Subject], folder: Path, progress: Progress) -> list[Path]:
        """snr.json and figures."""
        return self._run(subjects[0], folder, progress) if subjects else self._toy(folder, progress)

    def _toy(self, folder: Path, progress: Progress) -> list[Path]:
        """The Gaussian toy."""
        generator = torch.Generator().manual_seed(seed_from(self.seed, "toy"))
        toy = gaussian_toy(self.dims, self.variance, self.perturbation, self.points, generator)
        source = Toy(toy, self.draws, self.seed)
        about = (
            f"Gaussian toy, D = {self.dims}, q's variance {self.variance:.3g}, perturbation "
            f"{self.perturbation:g}, one x, {self.draws} draws, seed {self.seed}"
        )
        record: dict[str, Any] = {"model": about, "closed_forms": closed_forms(toy)}
        written = self._sweep(
            source, (self.over_K, self.over_M), self.draws, record, folder, progress
        )
        if self.histogram_K:
            with progress("Gradient estimates", len(self.histogram_K)) as advance:
                drawn = histograms(source, self.histogram_K, about, folder, advance)
            written += drawn
        return written

    def _run(self, subject: Subject, folder: Path, progress: Progress) -> list[Path]:
        """A trained model."""
        loaded = subject.load(self.epoch)
        source = Trained(loaded, self.run_draws, self.examples, self.weights, self.seed)
        about = (
            f"{subject.run}, epoch {loaded.epoch}, {len(source.batch.x)} training examples, "
            f"{self.run_draws} draws, {self.weights} weights a tensor, seed {self.seed}"
        )
        record: dict[str, Any] = {
            "model": about,
            "epoch": loaded.epoch,
            "labels": loaded.labels,
            "examples": source.batch.index.tolist(),
            "mode": "training mode, KL weight 1",
        }
        over = self.run_over_K, self.run_over_M
        return self._sweep(source, over, self.run_draws, record, folder, progress)

    def _sweep(
        self,
        source: Source,
        over: tuple[list[Key], list[Key]],
        draws: int,
        record: dict[str, Any],
        folder: Path,
        progress: Progress,
    ) -> list[Path]:
        """Points, slopes, their JSON and their figure."""
        with progress("Signal-to-noise ratios", Sweep.work(*over)) as advance:
            sweep = Sweep(source, self.elbo_weight, advance)
            over_K, over_M = ([sweep.point(*key) for key in keys] for keys in over)
        fits = slopes(over_K, "K", self.least) | slopes(over_M, "M", {})
        record = {
            "slopes": {name: fit.value for name, fit in fits.items()},
            "fits": {name: {"se": fit.se, "from_to": fit.over} for name, fit in fits.items()},
            "floor": floor(draws),
            "draws": draws,
            "seed": self.seed,
            **record,
            "over_K": [point.as_dict() for point in over_K],
            "over_M": [point.as_dict() for point in over_M],
            **provenance(),
        }
        write_json(folder / "snr.json", record)
        heading = Heading("Signal-to-noise ratio of gradients", record["model"])
        drawn = draw_ratios(over_K, over_M, fits, floor(draws), folder / "snr.png", heading)
        return [drawn, folder / "snr.json"]


def _keys(names: list[str], groups: list[int], samples: list[int]) -> list[Key]:
    """Every (estimator, M, K) that there is."""
    every = [(name, M, K) for name in names for M in groups for K in samples]
    return [key for key in every if exists(*key)]
