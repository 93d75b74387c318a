"""The one place where probability meets: log p(x|z), log p(z) and log q(z|x) of a batch."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Num
from torch import Tensor, nn

from vaelab.architecture.base import Decoder, Encoder
from vaelab.distribution import LatentPrior
from vaelab.posterior import Latents, LogQ, Posterior
from vaelab.prior.base import Prior


@dataclass(frozen=True)
class Terms:
    """What a bound may see of K samples for each of B examples; densities in nats.

    Attributes:
        z: copies of the samples, not the sampler's own tensors, on which a lower level was drawn:
            a hook on them meets the gradients of log_px, log_pz and, with "path" and "score",
            log_qz, each once (DReG).
        kl: closed-form KL divergence by dimension, if the bound asked for it.
    """

    z: Latents
    log_px: Float[Tensor, "K B"]
    log_pz: Float[Tensor, "K B"]
    log_qz: Float[Tensor, "K B"]
    kl: Float[Tensor, "B D"] | None = None

    def log_w(self, beta: float = 1.0) -> Float[Tensor, "K B"]:
        """The log-weight log p(x|z) + beta (log p(z) - log q(z|x))."""
        return self.log_px + beta * (self.log_pz - self.log_qz)


class VAE(nn.Module):
    """Encoder q(z|x), decoder p(x|z) and prior p(z).

    Encoder parameters are phi; all others, a prior's own parameters included, are theta.
    """

    def __init__(self, encoder: Encoder, decoder: Decoder, prior: Prior) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.prior = prior

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """Trainable parameters as {"phi": ..., "theta": ...}, disjoint and complete."""
        phi = [p for p in self.encoder.parameters() if p.requires_grad]
        taken = {id(p) for p in phi}
        theta = [p for p in self.parameters() if p.requires_grad and id(p) not in taken]
        return {"phi": phi, "theta": theta}

    def terms(
        self,
        x: Num[Tensor, "B *event"],
        q: Posterior,
        num_samples: int,
        *,
        log_qz: LogQ = "total",
        analytic_kl: bool = False,
        prior: LatentPrior | None = None,
    ) -> Terms:
        """Sample z ~ q and evaluate the three densities, in at least float32.

        Args:
            x: the batch.
            q: the posterior of the same batch.
            num_samples: K.
            log_qz: which derivative of log q(z|x) is kept.
            analytic_kl: also give the closed-form KL divergence by dimension.
            prior: p(z_top) if the caller has it already; a prior made of the encoder is costly
                and constant while weights do not change, so evaluation builds it once.
        """
        z = drawn = q.rsample(num_samples)
        if log_qz == "score":
            # The derivative through z is removed: RWS weighs log q at fixed samples.
            z = tuple(level.detach() for level in z)
        z = tuple(level.view_as(level) for level in z)
        log_px = self.decoder(z).log_prob(x)
        p: LatentPrior = self.prior(self.encoder) if prior is None else prior
        lower = [self.decoder.lower(z[:level]) for level in range(1, len(z))]
        if log_qz == "total":
            # A posterior that knows its own samples need not run a lower level's network again.
            log_q = q.log_prob(drawn)
        else:
            # "path" removes the derivative through q's parameters; z stays live.
            log_q = (q.detach() if log_qz == "path" else q).log_prob(z)
        # bfloat16 has a spacing of half a nat near -90: no density is computed in it. Elementwise
        # ones are not, whatever autocast says; a mixture's matrix product would be.
        with torch.autocast(x.device.type, enabled=False):
            log_pz = p.log_prob(z[0])
            for level, density in zip(z[1:], lower, strict=True):
                log_pz = log_pz + density.log_prob(level)
            kl = self.prior.analytic_kl(q.first) if analytic_kl else None
        return Terms(z, log_px, log_pz, log_q, kl)
