"""How far `vaelab diagnose snr` looks: on the toy, where a draw costs nothing, and in a run."""

from collections.abc import Sequence
from dataclasses import dataclass

from vaelab.diagnosis.snr_sweep import Key, exists


@dataclass(frozen=True)
class Reach:
    """How far to look: K and `estimators` of one sweep, M and `grouped` of the other, draws."""

    K: Sequence[int]
    M: Sequence[int]
    estimators: Sequence[str]
    grouped: Sequence[str]
    draws: int


# What null stands for. A gradient of a trained model is a pass and a backward pass of its own.
OF_TOY = Reach(
    K=(1, 4, 16, 64, 256, 1024),
    M=(1, 4, 16, 64),
    estimators=("elbo", "iwae", "ciwae", "dreg", "stl", "rws"),
    grouped=("iwae", "piwae", "dreg"),
    draws=2000,
)
OF_RUN = Reach(
    K=(1, 8, 64),
    M=(1, 16),
    estimators=("elbo", "iwae", "dreg"),
    grouped=("iwae", "piwae"),
    draws=500,
)


def keys(names: Sequence[str], groups: Sequence[int], samples: Sequence[int]) -> list[Key]:
    """Every (estimator, M, K) that there is."""
    every = [(name, M, K) for name in names for M in groups for K in samples]
    return [key for key in every if exists(*key)]
