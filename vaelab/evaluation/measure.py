"""One pass over a split's examples: everything that an evaluation computes before it averages."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields

import torch
from jaxtyping import Float, Integer
from torch import Tensor

from vaelab.batch import Batch
from vaelab.dataset.base import Split
from vaelab.distribution import DiagonalGaussian
from vaelab.evaluation.active_units import RunningVariance
from vaelab.evaluation.nll import check_finite
from vaelab.evaluation.score import Scores, score
from vaelab.model import VAE
from vaelab.posterior import Posterior
from vaelab.seeding import noise, permutation

ENCODED = 100  # examples the encoder sees at once, where a pass of the decoder holds as many


@dataclass(frozen=True)
class Measured:
    """Results for each of N examples, but for `variances`.

    Attributes:
        index: rows of the split.
        scores: what importance sampling gives.
        top: the posteriors of the top level.
        z: one sample of each of them.
        variances: of the posterior means over the examples, one tensor a level.
    """

    index: Integer[Tensor, "N"]
    scores: Scores
    top: DiagonalGaussian
    z: Float[Tensor, "N D"]
    variances: tuple[Tensor, ...]

    def arrays(self) -> dict[str, Tensor]:
        """By name and on the CPU, for a file."""
        scores = self.scores
        arrays = {"index": self.index, "nll": scores.nll, "elbo": scores.elbo, "ess": scores.ess}
        levels = {f"variance_{level}": one for level, one in enumerate(self.variances)}
        return {name: array.cpu() for name, array in (arrays | levels).items()}


def measure(
    vae: VAE,
    posterior: Callable[[Batch], Posterior],
    split: Split,
    name: str,
    *,
    seed: int,
    samples: int,
    examples: int,
    rows: int,
    progress: Callable[[int], None],
) -> Measured:
    """Draw `examples` of the split and `samples` latents of each, all a function of the seed.

    The encoder sees each example once and a prior made of it is built once. Generators and the
    training mode of every module are as before afterwards.

    Raises:
        UserError: an example has no usable importance weight.
    """
    device = next(vae.parameters(), split.x).device
    split = split.to(device)
    # Some test sets are sorted by class: examples come in random order even when all come.
    index = permutation(len(split), seed, name)[:examples].to(device)
    units: list[RunningVariance] = []
    scores, means, log_vars, draws = [], [], [], []
    with in_eval_mode(vae), torch.no_grad(), noise(device, seed, name):
        x = split[index]  # drawn first: binarisation must not depend on `samples` or `rows`
        prior = vae.prior(vae.encoder).double()
        size = min(rows, max(ENCODED, rows // samples))
        for part in torch.arange(len(index), device=device).split(size):
            # No gradient is taken here; a strategy that refines q may have left a graph on it.
            q = posterior(Batch(x[part], index[part])).detach()
            scores.append(score(vae, x[part], q, samples, rows, prior))
            check_finite(scores[-1].nll, index[part], name)
            means.append(q.top.mean)
            log_vars.append(q.top.log_var)
            draws.append(q.top.rsample(1)[0])
            levels = q.means()
            units = units or [RunningVariance() for _ in levels]
            for unit, mean in zip(units, levels, strict=True):
                unit.add(mean)
            progress(len(part))
    top = DiagonalGaussian(torch.cat(means), torch.cat(log_vars))
    variances = tuple(unit.variance for unit in units)
    return Measured(index, _joined(scores), top, torch.cat(draws), variances)


@contextmanager
def in_eval_mode(vae: VAE) -> Iterator[None]:
    """Evaluation mode inside; every module as it was afterwards."""
    modes = [(module, module.training) for module in vae.modules()]
    vae.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def _joined(scores: list[Scores]) -> Scores:
    names = [field.name for field in fields(Scores)]
    return Scores(**{name: torch.cat([getattr(one, name) for one in scores]) for name in names})
