"""How far an index posterior is from that of the true model, whose codes are known.

With the prior replaced by its N draws z_m, the true model x = f(z) + e, e ~ N(0, s2 I), has an
exact posterior over indices, pi(m|x) = N(x; f(z_m), s2 I) / sum_l N(x; f(z_l), s2 I). No
reparametrisation of z changes it.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.mapa.sparse import SparseRows

ELEMENTS = 2**21  # probabilities of a matrix held at a time


@dataclass(frozen=True)
class Distances:
    """Of each example; distances in z are None of codes with several dimensions.

    Attributes:
        tv: total variation between q and pi.
        w1: 1-Wasserstein distance in z between them, on the true codes.
        w1_noisier: the same where pi is of the model with the noise s2 + h^2.
        w1_uniform: between all codes alike and pi.
        spread: variance of z under pi, summed over dimensions.
    """

    tv: Float[Tensor, "N"]
    w1: Float[Tensor, "N"] | None
    w1_noisier: Float[Tensor, "N"] | None
    w1_uniform: Float[Tensor, "N"] | None
    spread: Float[Tensor, "N"]

    @property
    def arrays(self) -> dict[str, Tensor]:
        """Those there are, by name."""
        return {name: one for name, one in vars(self).items() if one is not None}


def exact(
    x: Float[Tensor, "B D"], mu: Float[Tensor, "N D"], variance: Float[Tensor, "#B 1"]
) -> Float[Tensor, "B N"]:
    """The posterior pi over the indices of noise-free points mu_m."""
    return ((x @ mu.T - 0.5 * mu.square().sum(1)) / variance).softmax(1)


def total_variation(p: Float[Tensor, "B N"], q: Float[Tensor, "B N"]) -> Float[Tensor, "B"]:
    """Half of the sum of |p - q|."""
    return 0.5 * (p - q).abs().sum(1)


def wasserstein(
    p: Float[Tensor, "#B N"], q: Float[Tensor, "B N"], gaps: Float[Tensor, "N-1"]
) -> Float[Tensor, "B"]:
    """The integral of |F - G|, of weights of ascending places with these distances."""
    return (p - q).cumsum(1)[:, :-1].abs() @ gaps


def compare(
    rows: SparseRows,
    x: Float[Tensor, "N D"],
    mu: Float[Tensor, "N D"],
    codes: Float[Tensor, "N d"],
    noise: float,
    kernel_variance: Float[Tensor, "*N"],
) -> Distances:
    """Of every example, some at a time.

    Args:
        rows: q(m|x_n).
        x: the examples, float64 on the CPU as all that follows.
        mu: f of each code.
        codes: of which the examples were made.
        noise: s2.
        kernel_variance: h^2, one number or one of each example.
    """
    size, dim = codes.shape
    order = codes[:, 0].argsort()
    codes, mu = codes[order], mu[order]
    matrix = rows.matrix[:, order.numpy()]
    gaps = codes[:, 0].diff()
    one, uniform = codes.new_full((1, 1), noise), codes.new_full((1, size), 1 / size)
    noisier = (noise + kernel_variance).expand(size)[:, None]
    found: dict[str, list[Tensor]] = {}
    for start in range(0, size, step := max(1, ELEMENTS // size)):
        some = slice(start, start + step)
        q, pi = torch.from_numpy(matrix[some].toarray()), exact(x[some], mu, one)
        mean = pi @ codes
        parts = {
            "tv": total_variation(q, pi),
            "spread": (pi @ codes.square() - mean.square()).sum(1),
        }
        if dim == 1:
            parts["w1"] = wasserstein(q, pi, gaps)
            parts["w1_noisier"] = wasserstein(q, exact(x[some], mu, noisier[some]), gaps)
            parts["w1_uniform"] = wasserstein(uniform, pi, gaps)
        for name, values in parts.items():
            found.setdefault(name, []).append(values)
    whole = {name: torch.cat(values) for name, values in found.items()}
    in_z = {name: whole.get(name) for name in ("w1", "w1_noisier", "w1_uniform")}
    return Distances(tv=whole["tv"], spread=whole["spread"], **in_z)
