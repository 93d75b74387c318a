"""Bounds at beta = 1, the ELBO's two parts and what is left, from every sample the NLL uses.

KL is sampled, log q(z|x) - log p(z): the only estimate every prior and posterior has, and on
shared samples reconstruction - KL is the ELBO exactly and never above -NLL (Jensen).

IWAE-k and -KL(Q || P) are those of Tighter Variational Bounds are Not Necessarily Better
(Rainforth et al., 2018), 1802.04537, table 1: the bound that k samples give, averaged over
disjoint blocks, and what it lacks to log p(x). Q and P are the proposal and the posterior over k
samples at once, of which the k-sample bound is the ELBO.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.distribution import LatentPrior
from vaelab.evaluation.ess import ess
from vaelab.evaluation.nll import nll
from vaelab.evaluation.streaming import BlockMean, LogSumExp, Mean, stream
from vaelab.model import VAE
from vaelab.posterior import Posterior

BLOCK = 64  # samples inside the log of the papers' IWAE-64


@dataclass(frozen=True)
class Scores:
    """Estimates for each of B examples from the same S samples; float64, nats (ess: samples)."""

    nll: Float[Tensor, "B"]
    reconstruction: Float[Tensor, "B"]
    kl: Float[Tensor, "B"]
    ess: Float[Tensor, "B"]
    iwae: Float[Tensor, "B"]

    @property
    def elbo(self) -> Float[Tensor, "B"]:
        """E_q log p(x|z) - KL: a lower bound of log p(x)."""
        return self.reconstruction - self.kl

    @property
    def inference_gap(self) -> Float[Tensor, "B"]:
        """-NLL - ELBO: estimates KL(q(z|x) || p(z|x)) from below."""
        return -self.nll - self.elbo

    @property
    def kl_qp(self) -> Float[Tensor, "B"]:
        """IWAE-k + NLL, the papers' -KL(Q || P): 0 or less.

        Without exception over whole blocks (Jensen); samples that fill no block are in the NLL
        alone and leave their noise.
        """
        return self.iwae + self.nll


@torch.no_grad()
def score(
    vae: VAE,
    x: Tensor,
    q: Posterior,
    num_samples: int,
    rows: int,
    prior: LatentPrior,
    block: int = BLOCK,
) -> Scores:
    """Draw `num_samples` latents of each example, `rows` in a pass of the decoder.

    Args:
        vae: in evaluation mode.
        x: B examples.
        q: their posterior.
        num_samples: S.
        rows: samples x examples in a pass; another value is other noise, the same expectation.
        prior: p(z_top), built once, `.double()`.
        block: samples inside the log of `iwae`; all, where fewer are drawn.
    """
    weights, squares, reconstruction, kl = LogSumExp(), LogSumExp(), Mean(), Mean()
    blocks = BlockMean(min(block, num_samples))
    for terms in stream(vae, x, q, num_samples, rows, prior):
        log_w = terms.log_w().double()
        weights.add(log_w)
        squares.add(2 * log_w)
        blocks.add(log_w)
        reconstruction.add(terms.log_px)
        kl.add(terms.log_qz - terms.log_pz)
    effective = ess(weights, squares)
    return Scores(nll(weights), reconstruction.total, kl.total, effective, blocks.total)
