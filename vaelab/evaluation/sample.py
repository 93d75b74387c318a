"""Draws from a model: a latent, from its prior or its posterior, then an observation."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Integer
from torch import Tensor

from vaelab.distribution import GaussianMixture
from vaelab.errors import UserError
from vaelab.model import VAE
from vaelab.posterior import Latents, Posterior

ROWS = 500  # latents decoded at a time


@dataclass(frozen=True)
class Samples:
    """N draws on the CPU.

    Attributes:
        z: one tensor a level, top first.
        mean: E[x|z]; None where the decoder is autoregressive or has none in closed form.
        x: a draw from p(x|z).
    """

    z: tuple[Float[Tensor, "N D"], ...]
    mean: Float[Tensor, "N *event"] | None
    x: Float[Tensor, "N *event"]


@torch.no_grad()
def ancestral(vae: VAE, levels: int, count: int, component: int | None = None) -> Latents:
    """`count` latents from the prior, [1, N, D_l] a level; of a mixture, really from the mixture.

    Args:
        vae: in evaluation mode; noise comes from torch's global generator.
        levels: latent levels of the model.
        count: N.
        component: draw from this component of a mixture only.

    Raises:
        UserError: the prior has no components, or not this one.
    """
    prior = vae.prior(vae.encoder)
    if component is None:
        return descend(vae, levels, prior.sample(count))
    if not isinstance(prior, GaussianMixture):
        raise UserError(f"component={component}: this run's prior is not a mixture; leave it out")
    if not 0 <= component < len(prior):
        raise UserError(f"component={component}: this prior has components 0 to {len(prior) - 1}")
    chosen = torch.full((count,), component, device=prior.mean.device)
    return descend(vae, levels, prior.sample(count, chosen))


@torch.no_grad()
def from_components(vae: VAE, levels: int, components: Integer[Tensor, "N"]) -> Latents:
    """One latent, [1, N, D_l] a level, of each of these components of the prior, a mixture."""
    prior = vae.prior(vae.encoder)
    assert isinstance(prior, GaussianMixture), "only a mixture has components"
    return descend(vae, levels, prior.sample(len(components), components.to(prior.mean.device)))


def descend(vae: VAE, levels: int, top: Float[Tensor, "N D"]) -> Latents:
    """Lower levels drawn below a top one, each from p(z_l | levels above)."""
    z: Latents = (top[None],)
    for _ in range(1, levels):
        z = (*z, vae.decoder.lower(z).rsample(1)[0])
    return z


def of_posterior(q: Posterior, which: Literal["sample", "mean"]) -> Latents:
    """One latent, [1, N, D_l] a level, of each of the N examples: drawn from q, or its mean."""
    return q.rsample(1) if which == "sample" else tuple(mean[None] for mean in q.means())


def between(ends: Latents, steps: int) -> Latents:
    """`steps` latents, [1, steps, D_l] a level, on the straight line between two; both included."""
    share = [torch.linspace(0, 1, steps, dtype=one.dtype, device=one.device) for one in ends]
    return tuple(
        torch.lerp(one[:, :1], one[:, 1:], by[:, None]) for one, by in zip(ends, share, strict=True)
    )


@torch.no_grad()
def decode(vae: VAE, z: Latents) -> Samples:
    """Mean and a draw of x for latents of one sample, [1, N, D_l] a level, a part at a time."""
    means, draws = [], []
    for rows in torch.arange(z[0].shape[1], device=z[0].device).split(ROWS):
        model = vae.decoder(tuple(level[:, rows] for level in z))
        mean = None if vae.decoder.autoregressive else model.mean
        if mean is not None:
            means.append(mean[0].cpu())
        draws.append(model.sample()[0].cpu())
    z_drawn = tuple(level[0].cpu() for level in z)
    return Samples(z_drawn, torch.cat(means) if means else None, torch.cat(draws))
