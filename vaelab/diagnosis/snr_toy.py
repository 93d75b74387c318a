"""The Gaussian toy as a source of gradients, beside what is known of it without drawing."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.bound.base import Bound
from vaelab.bound.miwae import Miwae
from vaelab.diagnosis.gaussian_toy import GaussianToy
from vaelab.diagnosis.snr_sweep import Source
from vaelab.evaluation.moments import GradientDraws, Moments
from vaelab.evaluation.signal import Ratio, ratio_of
from vaelab.reporting.snr import draw_histograms
from vaelab.reporting.style import Heading
from vaelab.seeding import noise

NUMBERS = 2**17  # of z in one pass: small enough for a CPU's cache
CPU = torch.device("cpu")
LIKE = torch.zeros(())  # float32 on the CPU


class Toy(Source):
    """Gradients of the toy's b (phi) and mu (theta), every coordinate of which counts.

    Args:
        toy: the model and its x.
        draws: of every gradient.
        seed: of the noise.
    """

    def __init__(self, toy: GaussianToy, draws: int, seed: int) -> None:
        self.toy = toy
        self.draws = draws
        self.seed = seed

    def draw(
        self, bound: Bound, along: Float[Tensor, "P"] | None, *seed: int | str
    ) -> dict[str, GradientDraws]:
        """As many as one pass holds at a time."""
        kept = {"phi": GradientDraws(self.draws, along), "theta": GradientDraws(self.draws)}
        for phi, theta in self.rows(bound, *seed):
            kept["phi"].add(phi)
            kept["theta"].add(theta)
        return kept

    def rows(self, bound: Bound, *seed: int | str) -> Iterator[tuple[Tensor, Tensor]]:
        """All draws, [R, D] of phi and of theta at a time."""
        rows = max(1, NUMBERS // (bound.num_samples * len(self.toy.x)))
        with noise(CPU, self.seed, *seed):
            for start in range(0, self.draws, rows):
                yield self.toy.gradients(bound, min(rows, self.draws - start), LIKE)

    def ratio(
        self, group: str, draws: GradientDraws, signal: GradientDraws | None, words: str
    ) -> Ratio:
        """Over all coordinates."""
        return ratio_of(draws, signal, words)

    def extra(self, name: str, K: int, draws: dict[str, GradientDraws]) -> dict[str, Any]:
        """Measured expectations beside their closed forms, as a factor that is 1 if they agree."""
        phi, theta = (draws[group].moments for group in ("phi", "theta"))
        if name == "elbo":
            return {
                "phi_over_exact": part_of(phi, self.toy.elbo_phi),
                "theta_over_exact": part_of(theta, self.toy.elbo_theta),
            }
        found = {"theta_over_large_K": part_of(theta, self.toy.log_px_theta)}
        if name == "dreg":  # the one whose mean is not lost in noise
            found["phi_over_large_K"] = part_of(phi, self.toy.iwae_phi(K))
        return found


def part_of(measured: Moments, exact: Float[Tensor, "P"]) -> dict[str, float]:
    """The factor of `exact` that comes nearest to the measured mean, with its standard error."""
    length = exact @ exact
    variance = exact.square() @ (measured.variance / measured.count)
    return {"value": float(measured.mean @ exact / length), "se": float(variance.sqrt() / length)}


def histograms(
    source: Toy, numbers: list[int], about: str, folder: Path, advance: Callable[[int], None]
) -> list[Path]:
    """Estimates of one coordinate under IWAE, drawn and in a file: that of median phi signal.

    Args:
        source: of the gradients.
        numbers: the K.
        about: of the model, for the heading.
        folder: where the files go.
        advance: called with 1 for every K.
    """
    coordinate = int(source.toy.delta.abs().argsort()[len(source.toy.x) // 2])
    found: dict[str, np.ndarray] = {}
    for K in numbers:
        parts = source.rows(Miwae(M=1, K=K), "histogram", K)
        both = torch.cat([torch.stack([one[:, coordinate] for one in part]) for part in parts], 1)
        found[f"phi_{K}"], found[f"theta_{K}"] = both.numpy()
        advance(1)
    path = folder / "histograms.npz"
    np.savez(path, **found)  # pyright: ignore[reportArgumentType]
    heading = Heading(f"Gradient estimates of IWAE, coordinate {coordinate}", about)
    return [draw_histograms(found, numbers, folder / "histograms.png", heading), path]


def closed_forms(toy: GaussianToy) -> dict[str, float]:
    """What is known of the toy without drawing, nats."""
    return {
        "log_px": toy.log_px,
        "kl": toy.kl,
        "elbo": toy.log_px - toy.kl,
        "rho": toy.rho,
        "elbo_phi_norm": float(toy.elbo_phi.norm()),
        "log_px_theta_norm": float(toy.log_px_theta.norm()),
    }
