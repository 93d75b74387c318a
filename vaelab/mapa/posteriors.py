"""q(z|x) made of an index posterior: uniform in prior mass within cells, or a Gaussian mixture."""

import math

import torch
from jaxtyping import Float, Integer
from torch import Tensor

from vaelab.distribution import LOG_2PI, DiagonalGaussian
from vaelab.mapa.layout import Layout
from vaelab.mapa.sparse import SparseRows
from vaelab.posterior import Latents


class CellPosterior:
    """q(z|x) = p(z) N q(m(z)|x), m(z) the index whose cell holds z (standard normal prior).

    Args:
        rows: index posteriors.
        which: row of each example of the batch.
        layout: which cell is whose.
    """

    first_level = 0
    gaussian = False

    def __init__(self, rows: SparseRows, which: Integer[Tensor, "B"], layout: Layout) -> None:
        self.rows = rows
        self.which = which
        self.layout = layout
        self.drawn: tuple[Tensor, Tensor] | None = None

    def rsample(self, num_samples: int) -> Latents:
        """An index, then z in its cell; nothing here has parameters."""
        index = self.rows.sample(self.which, num_samples)
        z = self.layout.sample(index)
        self.drawn = (z, index)
        return (z,)

    def log_prob(self, z: Latents) -> Float[Tensor, "K B"]:
        """Log p(z) + log N q(m(z)|x); -inf where the index posterior has no mass."""
        if self.drawn is not None and z[0] is self.drawn[0]:
            index = self.drawn[1]
        else:
            index = self.layout.find(z[0])
        log_weight = self.rows.log_weight(self.which, index).to(z[0].dtype)
        log_prior = -0.5 * (z[0].square().sum(-1) + LOG_2PI * z[0].shape[-1])
        return log_prior + log_weight + math.log(self.rows.size)

    def detach(self) -> "CellPosterior":
        """Itself."""
        return self

    @property
    def first(self) -> DiagonalGaussian:
        """The Gaussian with the same means and variances: where it is, not what it is."""
        return moment_matched(self.rows, self.which, *self.layout.moments())

    def means(self) -> tuple[Float[Tensor, "B D"], ...]:
        """The posterior mean."""
        return (self.first.mean,)


class MixturePosterior:
    """q(z|x) = sum_m q(m|x) N(z; mean_m, exp(log_var_m)); gradients flow to means and variances.

    Args:
        rows: index posteriors.
        which: row of each example of the batch.
        mean: code of each index.
        log_var: log-variance of each code.
    """

    first_level = 0
    gaussian = False

    def __init__(
        self,
        rows: SparseRows,
        which: Integer[Tensor, "B"],
        mean: Float[Tensor, "N D"],
        log_var: Float[Tensor, "N D"],
    ) -> None:
        self.rows = rows
        self.which = which
        self.mean = mean
        self.log_var = log_var

    def rsample(self, num_samples: int) -> Latents:
        """An index of the fixed q(m|x), which needs no gradient; then its code with noise."""
        index = self.rows.sample(self.which, num_samples)
        mean, log_var = self.mean[index], self.log_var[index]
        return (torch.addcmul(mean, torch.exp(0.5 * log_var), torch.randn_like(mean)),)

    def log_prob(self, z: Latents) -> Float[Tensor, "K B"]:
        """Log-density of the mixture over all indices with mass."""
        index, log_weight = self.rows.padded(self.which)
        each = DiagonalGaussian(self.mean[index], self.log_var[index]).log_prob(z[0].unsqueeze(-2))
        return torch.logsumexp(each + log_weight.to(each.dtype), -1)

    def detach(self) -> "MixturePosterior":
        """The same density: gradient to the codes stopped."""
        return MixturePosterior(self.rows, self.which, self.mean.detach(), self.log_var.detach())

    @property
    def first(self) -> DiagonalGaussian:
        """The Gaussian with the same means and variances: where it is, not what it is."""
        return moment_matched(self.rows, self.which, self.mean, self.log_var.exp())

    def means(self) -> tuple[Float[Tensor, "B D"], ...]:
        """The posterior mean."""
        return (self.first.mean,)


def moment_matched(
    rows: SparseRows,
    which: Integer[Tensor, "B"],
    mean: Float[Tensor, "N D"],
    variance: Float[Tensor, "N D"],
) -> DiagonalGaussian:
    """Mean and variance, dimension by dimension, of a mixture of components with these."""
    index, log_weight = rows.padded(which)
    weight = log_weight.exp()[..., None]
    means, variances = mean.double()[index], variance.double()[index]
    centre = (weight * means).sum(1)
    spread = (weight * (variances + (means - centre[:, None]).square())).sum(1)
    return DiagonalGaussian(centre.float(), spread.float().log())
