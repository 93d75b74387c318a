"""The Gaussian densities latents live under, written for speed and for many components.

`torch.distributions` validates and broadcasts at every call and its mixtures materialise
samples x components x dimensions; these do neither. Values agree with it (tests/test_distribution).
"""

import math
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Integer
from torch import Tensor

LOG_2PI = math.log(2 * math.pi)


@runtime_checkable
class Distribution(Protocol):
    """A density over events; batch axes come first."""

    def log_prob(self, value: Tensor, /) -> Tensor:
        """Log-density in nats, summed over the event axes."""
        ...


@runtime_checkable
class LatentPrior(Protocol):
    """A density over the top latent, with empty batch and event [D].

    Attributes:
        tensors: what log_prob reads that may have gradients; it depends on nothing else that has.
    """

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """See above."""
        ...

    def log_prob(self, z: Float[Tensor, "*K D"], /) -> Float[Tensor, "*K"]:
        """Log-density of each row of z, in nats."""
        ...

    def sample(self, num_samples: int) -> Float[Tensor, "N D"]:
        """Independent draws."""
        ...

    def double(self) -> "LatentPrior":
        """The same density evaluated in float64 (evaluation; see GaussianMixture)."""
        ...


def at_least_float32(x: Tensor) -> Tensor:
    """Half precision to float32, others as they are: log-densities need the digits."""
    return x.float() if x.element_size() < 4 else x


class DiagonalGaussian:
    """N(mean, diag exp(log_var)) with batch axes before the event axis D.

    Parameters that a network under autocast gives in half precision become float32, and with
    them samples and densities.
    """

    def __init__(self, mean: Float[Tensor, "*B D"], log_var: Float[Tensor, "*B D"]) -> None:
        self.mean = at_least_float32(mean)
        self.log_var = at_least_float32(log_var)

    def rsample(self, num_samples: int) -> Float[Tensor, "K *B D"]:
        """Draws mean + exp(log_var / 2) * eps; differentiable in both parameters."""
        scale = torch.exp(0.5 * self.log_var)
        noise = torch.randn(
            num_samples, *self.mean.shape, dtype=self.mean.dtype, device=self.mean.device
        )
        return torch.addcmul(self.mean, scale, noise)

    def log_prob(self, z: Float[Tensor, "*K D"]) -> Float[Tensor, "*K"]:
        """Log-density of z, whose last axes are the batch and the event."""
        squared = (z - self.mean).square() * torch.exp(-self.log_var)
        return -0.5 * ((squared + self.log_var).sum(-1) + LOG_2PI * z.shape[-1])

    def entropy(self) -> Float[Tensor, "*B"]:
        """Differential entropy in nats."""
        return 0.5 * (self.log_var.sum(-1) + (1 + LOG_2PI) * self.log_var.shape[-1])

    def kl_to_standard(self) -> Float[Tensor, "*B D"]:
        """KL divergence to N(0, 1) of each dimension, in nats."""
        return 0.5 * (self.mean.square() + self.log_var.exp() - self.log_var - 1)

    def detach(self) -> "DiagonalGaussian":
        """The same density with no gradient to its parameters."""
        return DiagonalGaussian(self.mean.detach(), self.log_var.detach())


class StandardNormal:
    """N(0, I) over D dimensions, on the device and in the type of `like`."""

    tensors: tuple[Tensor, ...] = ()

    def __init__(self, dim: int, like: Tensor) -> None:
        self.dim = dim
        self.like = like

    def log_prob(self, z: Float[Tensor, "*K D"]) -> Float[Tensor, "*K"]:
        """Log-density of each row of z."""
        return -0.5 * (z.square().sum(-1) + LOG_2PI * self.dim)

    def sample(self, num_samples: int) -> Float[Tensor, "N D"]:
        """Independent draws."""
        like = self.like
        return torch.randn(num_samples, self.dim, dtype=like.dtype, device=like.device)

    def double(self) -> "StandardNormal":
        """Itself: a sum of squares needs no more precision."""
        return self


class GaussianMixture:
    """An equally weighted mixture of C diagonal Gaussians.

    The exponent is expanded, (z - m)^2 v^-1 = z^2 v^-1 - 2 z m v^-1 + m^2 v^-1, so that all
    N x C of them are one matrix product of [N, 2D] with [2D, C] and nothing of size N x C x D
    exists. The expansion cancels: with precisions near e^6 the float32 result is good to about
    1e-2 nat, harmless noise in a gradient but not in a reported number, so evaluation calls
    `double()`.
    """

    def __init__(self, mean: Float[Tensor, "C D"], log_var: Float[Tensor, "C D"]) -> None:
        self.mean = mean
        self.log_var = log_var
        precision = torch.exp(-log_var)
        weighted = mean * precision
        self.weight = torch.cat([-0.5 * precision, weighted], dim=1).T  # [2D, C]
        normaliser = (log_var + mean * weighted).sum(-1) + LOG_2PI * mean.shape[-1]
        self.bias = -0.5 * normaliser - math.log(len(mean))  # [C]

    def __len__(self) -> int:
        return len(self.mean)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """What the exponent is made of."""
        return self.weight, self.bias

    def log_joint(self, z: Float[Tensor, "N D"]) -> Float[Tensor, "N C"]:
        """The log of (1/C) N(z; m_c, v_c) for every pair of a row and a component."""
        z = z.to(self.weight.dtype)
        return torch.addmm(self.bias, torch.cat([z * z, z], dim=1), self.weight)

    def log_prob(self, z: Float[Tensor, "*K D"]) -> Float[Tensor, "*K"]:
        """Log-density of each row of z."""
        # Not -1: without a latent D is 0 and any number of rows would do.
        rows = self.log_joint(z.reshape(math.prod(z.shape[:-1]), z.shape[-1])).logsumexp(-1)
        return rows.view(z.shape[:-1]).to(z.dtype)

    def sample(
        self, num_samples: int, component: Integer[Tensor, "N"] | None = None
    ) -> Float[Tensor, "N D"]:
        """Draw a component uniformly (or take the given ones), then from it."""
        if component is None:
            component = torch.randint(len(self), (num_samples,), device=self.mean.device)
        mean, log_var = self.mean[component], self.log_var[component]
        return torch.addcmul(mean, torch.exp(0.5 * log_var), torch.randn_like(mean))

    def double(self) -> "GaussianMixture":
        """The same density evaluated in float64."""
        return GaussianMixture(self.mean.double(), self.log_var.double())
