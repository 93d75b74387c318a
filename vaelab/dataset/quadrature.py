"""Integrals over z of a known model, refined until they no longer move."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Num
from torch import Tensor

from vaelab.distribution import LOG_2PI

TOLERANCE = 1e-5  # nats that doubling the nodes may move any log-density
DOUBLINGS = 12
ELEMENTS = 2**20  # float64 numbers held at a time
LIMIT = 8.5  # the prior has 2e-17 of its mass beyond
ORDER = 8  # nodes of Gauss and Legendre in a panel


def settled(rule: Callable[[int], Tensor], count: int) -> Tensor:
    """rule(count) with `count` doubled until no element moves by more than TOLERANCE.

    Raises:
        ArithmeticError: it still moves after DOUBLINGS doublings, or is not a number.
    """
    before = rule(count)
    for _ in range(DOUBLINGS):
        count *= 2
        after = rule(count)
        if bool(((after - before).abs() <= TOLERANCE).all()):
            return after
        before = after
    raise ArithmeticError(f"an integral over z has not settled at {count} nodes")


def by_rows(
    integral: Callable[..., Tensor], nodes: int, *rows: Num[Tensor, "B ..."]
) -> Float[Tensor, "B"]:
    """integral(*rows), a few rows at a time, so that `nodes` of each fit into ELEMENTS."""
    size = max(1, ELEMENTS // nodes)
    parts = zip(*(one.split(size) for one in rows), strict=True)
    return torch.cat([integral(*part) for part in parts])


def trapezoid(
    centre: Float[Tensor, "B"], half_width: Float[Tensor, "B"], count: int
) -> tuple[Float[Tensor, "B G"], Float[Tensor, "B"]]:
    """Equally spaced nodes of every row, G = count + 1, and the log of their distance.

    The rule of smooth functions that vanish at both ends: its error falls exponentially, and the
    ends need no weight of their own.
    """
    unit = torch.linspace(-1, 1, count + 1, dtype=centre.dtype)
    return centre[:, None] + half_width[:, None] * unit, (half_width * (2 / count)).log()


@dataclass(frozen=True)
class Curve:
    """p(x) where one latent dimension runs along a curve: int N(z; 0, 1) N(x; f(z), noise I) dz.

    Panels are short both in z and, by the noise's standard deviation, along the curve, so that
    neither a steep f nor a plateau is stepped over.

    Attributes:
        decode: f, [G, 1] -> [G, D].
        noise: variance.
    """

    decode: Callable[[Tensor], Tensor]
    noise: float

    def log_density(self, x: Float[Tensor, "B D"]) -> Float[Tensor, "B"]:
        """Of every row of x, in nats."""
        return settled(lambda panels: self.with_panels(x, panels), 64)

    def with_panels(self, x: Float[Tensor, "B D"], panels: int) -> Float[Tensor, "B"]:
        """The same with so many panels and no refinement."""
        z, log_weight = self.nodes(panels)
        f = self.decode(z[:, None])
        log_weight = log_weight - 0.5 * (z.square() + LOG_2PI)
        bias = log_weight - f.square().sum(1) / (2 * self.noise)

        def integral(rows: Tensor) -> Tensor:
            exponent = torch.addmm(bias, rows, f.T, alpha=1 / self.noise)
            return exponent.logsumexp(1) - rows.square().sum(1) / (2 * self.noise)

        normaliser = 0.5 * x.shape[1] * math.log(2 * math.pi * self.noise)
        return by_rows(integral, len(z), x) - normaliser

    def nodes(self, panels: int) -> tuple[Float[Tensor, "G"], Float[Tensor, "G"]]:
        """Places between -LIMIT and LIMIT and the logs of their weights."""
        fine = torch.linspace(-LIMIT, LIMIT, 2**15 + 1, dtype=torch.float64)
        steps = self.decode(fine[:, None]).diff(dim=0).norm(dim=1)
        arc = torch.cat([steps.new_zeros(1), steps.cumsum(0)])
        # Half of the panels for the way in z, half for the way in x.
        measure = arc / arc[-1] + (fine + LIMIT) / (2 * LIMIT)
        edges = np.interp(np.linspace(0, 2, panels + 1), measure.numpy(), fine.numpy())
        unit, weight = np.polynomial.legendre.leggauss(ORDER)
        half = np.diff(edges)[:, None] / 2
        z = edges[:-1, None] + half * (1 + unit)
        return torch.from_numpy(z.ravel()), torch.from_numpy(np.log(half * weight).ravel())
