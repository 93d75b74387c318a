"""How far the encoder lags behind the true posterior, for models of one latent dimension.

Lagging Inference Networks and Posterior Collapse in VAEs (He et al., 2019), 1901.05534, figures 2
and 3. The authors' code looks at training sentences, their paper says validation; we follow the
code, but never with dropout, which theirs has on at the ends of epochs.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.batch import Batch
from vaelab.distribution import DiagonalGaussian, LatentPrior
from vaelab.errors import UserError
from vaelab.evaluation.mutual_information import batched_information
from vaelab.seeding import permutation
from vaelab.traits import Trait
from vaelab.watch.base import Moments, Watch, Watched
from vaelab.watch.grid_mean import grid_mean

NODES = 32  # of the quadrature over q; exact for the logarithm of a Gaussian


class PosteriorLag(Watch):
    """Means of p(z|x) and of q(z|x) of the same training examples, their mean KL and MI.

    Args:
        latent_dims: of the architecture.
        examples: drawn by the run's seed; all, where there are fewer.
        grid: first point, end (which is not one) and step of the grid p(z|x) is summed on.
        coarse: every so many points are looked at first, and the others where it matters; 1: all.
        mixture: examples that are one mixture of the mutual information.
        chunk: points x examples in one pass of the decoder.
        updates: after so many decoder updates.
        every: and after every so many; None: no others.
        epochs: and after the last of every epoch.
    """

    name = "posterior_lag"
    needs = frozenset({Trait.ENCODER})

    def __init__(
        self,
        latent_dims: tuple[int, ...],
        examples: int,
        grid: tuple[float, float, float],
        coarse: int,
        mixture: int,
        chunk: int,
        updates: Sequence[int],
        every: int | None,
        epochs: bool,
    ) -> None:
        if tuple(latent_dims) != (1,):
            had = ", ".join(map(str, latent_dims))
            raise ValueError(
                f"the architecture has latent dimensions {had}, and the true posterior is summed "
                "over one, of one level; set architecture.latent_dim=1, or watch=none"
            )
        least = {"examples": 2, "coarse": 1, "mixture": 1, "chunk": 1, "every": 1}
        given = (examples, coarse, mixture, chunk, every)
        for name, value in zip(least, given, strict=True):
            if value is not None and value < least[name]:
                raise UserError(f"watch.{name}={value}: must be at least {least[name]}")
        if any(update < 0 for update in updates):
            raise UserError(f"watch.updates={list(updates)}: must be 0 or more")
        start, end, step = grid
        if step <= 0 or not start + step < end:
            raise UserError(f"watch.grid={list(grid)}: must be start, end and step")
        self.moments = Moments(frozenset(updates), every, epochs)
        self.examples = examples
        self.grid = start + step * torch.arange(round((end - start) / step), dtype=torch.float64)
        self.coarse = coarse
        self.mixture = mixture
        self.chunk = chunk

    def record(self, watched: Watched) -> dict[str, Tensor]:
        """Rows `index` [N], means `model` and `encoder` [N], and their `kl` and `mi` in nats."""
        index = permutation(watched.rows, watched.seed, self.name)[: self.examples]
        batch = watched.batch(index)
        posterior = watched.posterior(batch)
        if not posterior.gaussian:  # at update 0, before anything is trained
            raise UserError(
                "watch=posterior_lag cannot be used with trainer=mapa, whose posteriors are over "
                "training examples; choose watch=log_likelihood or watch=none"
            )
        q = posterior.first
        prior = watched.vae.prior(watched.vae.encoder).double()
        mi = batched_information(q, q.rsample(1)[0], self.mixture).mean()
        return {
            "index": index,
            "model": self.model_means(watched, batch, prior, self.grid.to(q.mean)),
            "encoder": q.mean[:, 0].double(),
            "kl": divergence(q, prior).mean(),
            "mi": mi,
        }

    def model_means(
        self, watched: Watched, batch: Batch, prior: LatentPrior, grid: Float[Tensor, "G"]
    ) -> Float[Tensor, "N"]:
        """Of p(z|x), some examples at a time."""
        means = []
        for x in batch.x.split(max(1, self.chunk // len(grid))):

            def log_joint(z: Tensor, x: Tensor = x) -> Tensor:
                log_px = watched.vae.decoder((z[..., None],)).log_prob(x)
                return log_px.double() + prior.log_prob(z.double()[..., None])

            means.append(grid_mean(log_joint, grid, self.coarse, len(x)))
        return torch.cat(means)


def divergence(q: DiagonalGaussian, prior: LatentPrior) -> Float[Tensor, "N"]:
    """KL(q || p) of each example, nats, by Gauss-Hermite quadrature over the one dimension."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    mean, log_var = q.mean.double(), q.log_var.double()
    at, share = mean.new_tensor(nodes), mean.new_tensor(weights / weights.sum())
    z = mean + (0.5 * log_var).exp() * at[:, None, None]  # [nodes, N, 1]
    return -DiagonalGaussian(mean, log_var).entropy() - share @ prior.log_prob(z)
