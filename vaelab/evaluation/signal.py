"""The signal-to-noise ratio of one gradient, with its errors and how its signal was found."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Integer
from torch import Tensor

from vaelab.evaluation.moments import GradientDraws, floor, jackknife, ratio
from vaelab.seeding import permutation

PLUG_IN = "mean of the same draws"
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Ratio:
    """Of one estimator and one group of parameters.

    Attributes:
        snr: mean of |signal| / sd over the coordinates chosen.
        se: its standard error, by leaving blocks of draws out.
        noise_se: the part of it that is not the signal's, which ratios may have in common.
        signal: where the signal is from, in words.
        plug_in: the same with the mean of the same draws for signal; not below the floor.
        plug_in_se: its standard error.
        floor: what `plug_in` is about without any signal.
        dsnr: mean of |parallel| / |perpendicular| with respect to the signal's direction.
        dsnr_se: its standard error, for the direction as it was.
        direction: where the direction is from, in words.
        every: mean of |signal| / sd over all coordinates that vary.
        quantiles: the same by level, "0.05" to "0.95".
        weights: coordinates in `snr`.
        varying: coordinates in `every`.
        constant: coordinates that never varied, and count for nothing.
        draws: of the gradient.
    """

    snr: float
    se: float
    noise_se: float
    signal: str
    plug_in: float
    plug_in_se: float
    floor: float
    dsnr: float
    dsnr_se: float
    direction: str
    every: float
    quantiles: dict[str, float]
    weights: int
    varying: int
    constant: int
    draws: int

    def as_dict(self) -> dict[str, Any]:
        """For a JSON."""
        return asdict(self)


def ratio_of(
    draws: GradientDraws,
    signal: GradientDraws | Float[Tensor, "P"] | None = None,
    words: str = PLUG_IN,
    chosen: Integer[Tensor, "C"] | None = None,
) -> Ratio:
    """All about one gradient.

    Args:
        draws: of it; for DSNR along the signal's direction they must have been given it.
        signal: its expectation, exact or as the mean of draws of another estimator that has the
            same one; None: the draws' own mean.
        words: where the signal is from.
        chosen: coordinates that `snr` is the mean over; None: all that vary.
    """
    moments, without = draws.moments, draws.without_a_block

    def mean(values: Float[Tensor, "P"]) -> float:
        return float((values if chosen is None else values[chosen]).nanmean())

    plug_in = mean(ratio(moments.mean, moments.variance))
    plug_in_se = jackknife([mean(ratio(part.mean, part.variance)) for part in without])
    expected = moments.mean
    if isinstance(signal, GradientDraws):
        expected = signal.moments.mean
    elif signal is not None:
        expected = signal.double()
    each = ratio(expected, moments.variance)
    noise_se = se = plug_in_se
    if signal is not None:
        noise_se = se = jackknife([mean(ratio(expected, part.variance)) for part in without])
    if isinstance(signal, GradientDraws):
        others = [part.mean for part in signal.without_a_block]
        se = math.hypot(noise_se, jackknife([mean(ratio(one, moments.variance)) for one in others]))
    live = each[~each.isnan()]
    levels = np.quantile(live.cpu().numpy(), QUANTILES)  # torch's refuses 16 million numbers
    directional = draws.directional
    assert directional is not None, "half of the draws were added at least"
    return Ratio(
        snr=mean(each),
        se=se,
        noise_se=noise_se,
        signal=words,
        plug_in=plug_in,
        plug_in_se=plug_in_se,
        floor=floor(moments.count),
        dsnr=directional.mean,
        dsnr_se=directional.error,
        direction="mean of the other half of the draws" if draws.half else words,
        every=float(live.mean()),
        quantiles=dict(zip(map(str, QUANTILES), levels.tolist(), strict=True)),
        weights=len(live) if chosen is None else int((~each[chosen].isnan()).sum()),
        varying=len(live),
        constant=len(each) - len(live),
        draws=moments.count,
    )


def some_weights(
    sizes: Sequence[int], varying: Tensor, count: int, *seed: int | str
) -> Integer[Tensor, "C"]:
    """`count` random coordinates of every tensor (all of a smaller one), of those that vary.

    Args:
        sizes: of the tensors that the coordinates are the concatenation of.
        varying: [P], whether a coordinate does.
        count: of each tensor.
        seed: of the choice.
    """
    chosen, start = [], 0
    for number, size in enumerate(sizes):
        order = permutation(size, *seed, number).to(varying.device) + start
        chosen.append(order[varying[order]][:count])
        start += size
    return torch.cat(chosen)
