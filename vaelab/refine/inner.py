"""What refinement descends: minus the ELBO of each example as a function of its own posterior.

Semi-Amortized Variational Autoencoders (Kim et al., 2018), 1802.02550, section 3.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Num
from torch import Tensor

from vaelab.distribution import LatentPrior
from vaelab.model import VAE
from vaelab.posterior import GaussianPosterior
from vaelab.seeding import seed_noise
from vaelab.traits import Trait


class Inner:
    """f_k(lambda) = sum_b [beta KL(q || p) - log p(x_b|z_b)] / divisor, one draw z_b of q.

    lambda is the mean and log-variance of q, [2, B, D]. Every step k has noise of its own, latents
    and dropout alike, which comes out the same whenever the step is taken again. The KL divergence
    is the closed form where the prior has one, and sampled elsewhere.

    Args:
        vae: the model.
        x: the batch.
        prior: p(z), built once; gradients reach it through its own `tensors`.
        beta: the KL weight.
        divisor: 1, so that steps do not depend on who else is in the batch, or the size of a
            batch, for the authors' mean over it.
        seed: of the noise.
    """

    def __init__(
        self,
        vae: VAE,
        x: Num[Tensor, "B *event"],
        prior: LatentPrior,
        beta: float,
        divisor: int,
        seed: int,
    ) -> None:
        self.vae = vae
        self.x = x
        self.prior = prior
        self.beta = beta
        self.divisor = divisor
        self.seed = seed
        self.analytic = Trait.ANALYTIC_KL in vae.prior.offers

    @property
    def shared(self) -> list[Tensor]:
        """All that f depends on beside lambda and that learns."""
        tensors = [*self.vae.decoder.parameters(), *self.prior.tensors]
        return [tensor for tensor in tensors if tensor.requires_grad]

    def losses(self, step: int, parameters: Float[Tensor, "2 B D"]) -> Float[Tensor, "B"]:
        """f_k of each example, nats."""
        seed_noise(self.x.device, self.seed, step)
        q = GaussianPosterior(*parameters)
        z = q.rsample(1)
        log_px = self.vae.decoder(z).log_prob(self.x)[0]
        if self.analytic:
            kl = self.vae.prior.analytic_kl(q.first).sum(-1)
        else:
            kl = (q.log_prob(z) - self.prior.log_prob(z[0]))[0]
        return self.beta * kl - log_px

    def gradients(
        self,
        step: int,
        parameters: Float[Tensor, "2 B D"],
        wanted: Sequence[Tensor] = (),
        *,
        twice: bool = False,
    ) -> tuple[Float[Tensor, "B"], list[Tensor]]:
        """f_k of each example, and its gradients with respect to lambda and what else is wanted.

        Args:
            step: k.
            parameters: lambda, a leaf that requires a gradient.
            wanted: other tensors; the gradient of one that f does not depend on is 0.
            twice: whether the gradients are to be differentiated again.
        """
        with torch.enable_grad():
            losses = self.losses(step, parameters)
            total = losses.sum() / self.divisor
            inputs = [parameters, *wanted]
            found = torch.autograd.grad(total, inputs, create_graph=twice, allow_unused=True)
        return losses.detach(), [
            torch.zeros_like(one) if g is None else g for one, g in zip(inputs, found, strict=True)
        ]
