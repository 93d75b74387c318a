"""What is left of the data when the sum over examples is taken before training (collapsed bound).

For log-likelihoods that are linear in x and x^2, sum_n q_nm log p(x_n|z) is w_m times what one
example with the moments mean_m and variance_m has: N targets in place of all pairs.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from scipy.sparse import csr_array
from torch import Tensor

from vaelab.mapa.sparse import SparseRows


@dataclass(frozen=True)
class Targets:
    """Of each index m.

    Attributes:
        weight: w_m = sum_n q_nm; 1 on average.
        mean: of x under q_nm / w_m.
        variance: the same's, element by element.
    """

    weight: Float[Tensor, "N"]
    mean: Float[Tensor, "N *event"]
    variance: Float[Tensor, "N *event"]

    def to(self, device: torch.device, dtype: torch.dtype | None = None) -> "Targets":
        """The same elsewhere and, if one is given, in another type."""
        parts = (self.weight, self.mean, self.variance)
        return Targets(*(one.to(device, dtype or one.dtype) for one in parts))


def collapsed(q: SparseRows, x: Float[Tensor, "N *event"]) -> Targets:
    """w, mean and variance of every index; float64 on the CPU.

    An index that no example has mass on has weight 0, its own x and no variance.
    """
    transposed = csr_array(q.matrix.T)
    flat = x.flatten(1).double().cpu()
    # Deviations from the overall mean, so that squares do not cancel.
    centre = flat.mean(0)
    deviations = (flat - centre).numpy()
    weight = q.column_sums().cpu()
    used = weight > 0
    share = torch.where(used, weight, torch.ones_like(weight))[:, None]
    mean = torch.from_numpy(transposed @ deviations) / share
    second = torch.from_numpy(transposed @ deviations**2) / share
    variance = (second - mean.square()).clamp(min=0)
    mean = torch.where(used[:, None], mean + centre, flat)
    return Targets(weight, mean.view(x.shape), variance.view(x.shape))
