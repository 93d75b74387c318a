"""Signal-to-noise ratios of gradient estimators over K and over M, and how fast they change.

Tighter Variational Bounds are Not Necessarily Better (Rainforth et al., 2018), 1802.04537, theorem
1: sqrt(M K) for theta, sqrt(M / K) for phi, whose signal fades as 1/K. So phi's ratio cannot be had
from its own draws for long (vaelab.evaluation.moments), and DReG, which has the same expectation
and a small variance, gives the signal.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor

from vaelab.bound.base import Bound
from vaelab.bound.ciwae import Ciwae
from vaelab.bound.dreg import Dreg
from vaelab.bound.elbo import Elbo
from vaelab.bound.miwae import Miwae
from vaelab.bound.piwae import Piwae
from vaelab.bound.rws import Rws
from vaelab.bound.stl import Stl
from vaelab.composing.spelling import nearest
from vaelab.errors import UserError
from vaelab.evaluation.moments import GradientDraws
from vaelab.evaluation.signal import PLUG_IN, Ratio

Key = tuple[str, int, int]  # estimator, M, K
GROUPS = ("phi", "theta")
# Estimators of the gradient of L_K (elbo: of L_1), so that phi's signal may be DReG's at that K.
UNBIASED = ("elbo", "iwae", "piwae")
ESTIMATORS = ("elbo", "iwae", "piwae", "ciwae", "dreg", "stl", "rws")


def estimator(name: str, M: int, K: int, elbo_weight: float) -> Bound:
    """The bound of that name with M groups of K samples; elbo has M K samples.

    Raises:
        UserError: there is none.
    """
    if name == "elbo":
        return Elbo(num_samples=M * K, kl="sampled", free_bits=0.0, log_qz="total")
    if name == "ciwae":
        return Ciwae(K=K, elbo_weight=elbo_weight)
    known = {"iwae": Miwae, "dreg": Dreg, "stl": Stl, "rws": Rws, "piwae": Piwae}
    if name not in known:
        names = ", ".join(ESTIMATORS)
        raise UserError(f"{name}: no such estimator{nearest(name, ESTIMATORS)} ({names})")
    return known[name](M=M, K=K)


def exists(name: str, M: int, K: int) -> bool:
    """Whether the estimator is one at (M, K): RWS has no signal at K = 1, CIWAE has one group."""
    return not (name == "rws" and K == 1) and not (name == "ciwae" and M > 1)


@dataclass(frozen=True)
class Point:
    """One estimator at one (M, K): what was found of both groups.

    Attributes:
        extra: what only some points have, such as the signal's closed form.
    """

    estimator: str
    M: int
    K: int
    phi: Ratio
    theta: Ratio
    extra: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """For a JSON."""
        at = {"estimator": self.estimator, "M": self.M, "K": self.K}
        return at | {name: getattr(self, name).as_dict() for name in GROUPS} | self.extra


class Source(ABC):
    """Where gradients are drawn: the toy, or a trained model."""

    @abstractmethod
    def draw(
        self, bound: Bound, along: Float[Tensor, "P"] | None, *seed: int | str
    ) -> dict[str, GradientDraws]:
        """Draws of both groups' gradients; `along` is the direction for phi's DSNR."""

    @abstractmethod
    def ratio(
        self, group: str, draws: GradientDraws, signal: GradientDraws | None, words: str
    ) -> Ratio:
        """All about one group."""

    def extra(self, name: str, K: int, draws: dict[str, GradientDraws]) -> dict[str, Any]:
        """What else is known of a point."""
        return {}


class Sweep:
    """Points of one source; the signal at a K is found once.

    Args:
        source: of the gradients.
        elbo_weight: of ciwae.
        advance: called with 1 for every point, and every signal.
    """

    def __init__(self, source: Source, elbo_weight: float, advance: Callable[[int], None]) -> None:
        self.source = source
        self.elbo_weight = elbo_weight
        self.advance = advance
        self.signals: dict[int, dict[str, GradientDraws]] = {}
        self.points: dict[Key, Point] = {}

    @staticmethod
    def work(*over: Sequence[Key]) -> int:
        """How often `advance` will be called for these points."""
        keys = {key for keys in over for key in keys}
        inside = {1 if name == "elbo" else K for name, _, K in keys if name in UNBIASED}
        return len(keys) + len(inside)

    def signal(self, K: int) -> dict[str, GradientDraws]:
        """Draws of DReG with K samples."""
        if K not in self.signals:
            # Seeded otherwise than the point ("dreg", 1, K): signal and noise are independent.
            self.signals[K] = self.source.draw(Dreg(M=1, K=K), None, "signal", K)
            self.advance(1)
        return self.signals[K]

    def point(self, name: str, M: int, K: int) -> Point:
        """What is found of an estimator at (M, K)."""
        key = name, M, K
        if key not in self.points:
            words, signal = PLUG_IN, None
            if name in UNBIASED:
                inside = 1 if name == "elbo" else K
                signal = self.signal(inside)["phi"]
                words = f"mean of {signal.draws} DReG draws, K = {inside}"
            along = None if signal is None else signal.moments.mean
            draws = self.source.draw(estimator(*key, self.elbo_weight), along, *key)
            phi = self.source.ratio("phi", draws["phi"], signal, words)
            theta = self.source.ratio("theta", draws["theta"], None, PLUG_IN)
            extra = self.source.extra(name, K, draws)
            self.points[key] = Point(name, M, K, phi, theta, extra)
            self.advance(1)
        return self.points[key]


@dataclass(frozen=True)
class Slope:
    """d log SNR / d log K (or M) by least squares.

    Attributes:
        se: from the points' own errors.
        over: least and greatest K (or M) of the fit.
    """

    value: float
    se: float
    over: tuple[int, int]


def slope(xs: Sequence[int], ratios: Sequence[Ratio]) -> Slope:
    """The line through log SNR of two points or more."""
    logs = [math.log(x) for x in xs]
    centre = sum(logs) / len(logs)
    spread = sum((one - centre) ** 2 for one in logs)
    weights = [(one - centre) / spread for one in logs]
    values = [math.log(one.snr) for one in ratios]
    value = sum(weight * one for weight, one in zip(weights, values, strict=True))
    # The error of one signal behind all points moves them alike, and no slope.
    shared = len({one.signal for one in ratios}) == 1
    errors = [one.noise_se if shared else one.se for one in ratios]
    parts = [w * error / one.snr for w, error, one in zip(weights, errors, ratios, strict=True)]
    return Slope(value, math.hypot(*parts), (min(xs), max(xs)))


def slopes(points: Sequence[Point], axis: str, least: Mapping[str, int]) -> dict[str, Slope]:
    """Slopes "phi_iwae_K", "theta_iwae_K", ... of points that differ in K (or M) alone.

    Args:
        points: of a sweep over K, or over M.
        axis: "K" or "M".
        least: of a slope's name, the least K (or M) that is fitted; 1 where it is not named.
    """
    found = {}
    for name in dict.fromkeys(point.estimator for point in points):
        own = [point for point in points if point.estimator == name]
        for group in GROUPS:
            key = f"{group}_{name}_{axis}"
            fitted = [one for one in own if getattr(one, axis) >= least.get(key, 1)]
            if len(fitted) > 1:
                xs = [getattr(one, axis) for one in fitted]
                found[key] = slope(xs, [getattr(one, group) for one in fitted])
    return found
