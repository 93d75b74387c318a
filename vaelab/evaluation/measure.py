"""One pass over a split's examples: everything that an evaluation computes before it averages."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from itertools import chain

import torch
from jaxtyping import Float, Integer, Num
from torch import Tensor

from vaelab import distributed
from vaelab.batch import Batch
from vaelab.dataset.base import Split
from vaelab.distribution import DiagonalGaussian, LatentPrior
from vaelab.evaluation.active_units import RunningVariance
from vaelab.evaluation.kept import Kept, Part
from vaelab.evaluation.nll import check_finite
from vaelab.evaluation.score import BLOCK, Scores, score
from vaelab.model import VAE
from vaelab.posterior import Posterior
from vaelab.refine.refinement import RefinedPosterior
from vaelab.seeding import noise, permutation, seed_noise

AMORTISED = 100  # samples at most of the ELBO before refinement
ENCODED = 100  # examples the encoder sees at once, where a pass of the decoder holds as many


@dataclass(frozen=True)
class Measured:
    """Results for each of N examples, but for `variances`.

    Attributes:
        index: rows of the split.
        scores: what importance sampling gives.
        first: the posteriors of the level that q draws first.
        z: one sample of each of them.
        variances: of the posterior means over the examples, one tensor a level.
        predicted: tokens of each example that the model predicts, on the CPU; None where there are
            none. Sentences come in order of their length.
        gaussian: whether `first` is the posterior, and not only its means and variances.
        amortised: ELBO of the encoder's posterior, where `first` is refined from it; nats.
        x: what was read of the examples; None of sentences, which are read some at a time.
    """

    index: Integer[Tensor, "N"]
    scores: Scores
    first: DiagonalGaussian
    z: Float[Tensor, "N D"]
    variances: tuple[Tensor, ...]
    predicted: Integer[Tensor, "N"] | None = None
    amortised: Float[Tensor, "N"] | None = None
    gaussian: bool = True
    x: Num[Tensor, "N *event"] | None = None

    def arrays(self) -> dict[str, Tensor]:
        """By name and on the CPU, for a file."""
        scores = self.scores
        arrays = {"index": self.index, "nll": scores.nll, "elbo": scores.elbo, "ess": scores.ess}
        arrays["iwae"] = scores.iwae
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
    kept: Kept | None = None,
    block: int = BLOCK,
) -> Measured:
    """Draw `examples` of the split and `samples` latents of each, all a function of the seed.

    The encoder sees each example once and a prior made of it is built once, but for a strategy
    that refines. Generators and the training mode of every module are as before afterwards. Parts
    that `kept` holds are not done again; noise is seeded for each part, so that the others come out
    as they would have. Processes that train together share the parts out, and all get everything;
    `kept` is the first one's.

    Raises:
        UserError: an example has no usable importance weight.
    """
    device = next(vae.parameters(), split.x).device
    split = split.to(device)
    # Some test sets are sorted by class: examples come in random order even when all come.
    index = permutation(len(split), seed, name)[:examples]
    predicted = split.predicted(index)
    if predicted is not None:  # sentences of like length together: less padding
        index = index[predicted.argsort(stable=True)]
        predicted = split.predicted(index)
    index = index.to(device)
    units: list[RunningVariance] = []
    parts: list[Part] = []
    with in_eval_mode(vae), torch.no_grad(), noise(device, seed, name):
        # Drawn first: binarisation must not depend on `samples` or `rows`. Sentences are not drawn.
        x = split[index] if predicted is None else None
        prior = vae.prior(vae.encoder).double()
        size = min(rows, max(ENCODED, rows // samples))
        chosen = torch.arange(len(index), device=device).split(size)

        def measured(number: int) -> Part:
            seed_noise(device, seed, name, number)
            mine = index[chosen[number]]
            some = split[mine] if x is None else x[chosen[number]]
            q = posterior(Batch(some, mine))
            part = measure_part(vae, some, q, samples, rows, prior, block)
            check_finite(part.scores["nll"], mine, name)
            return part

        done = distributed.everyones(kept.parts[:] if kept else [])[0]
        new = distributed.shared_out(measured, range(len(done), len(chosen)))
        for number, part in enumerate(chain(done, new)):
            if kept is not None and number >= len(done):
                kept.add(part)
            parts.append(part)
            units = units or [RunningVariance() for _ in part.means]
            for unit, mean in zip(units, part.means, strict=True):
                unit.add(mean)
            progress(len(part.z))

    def joined(tensors: list[Tensor]) -> Tensor:
        return torch.cat(tensors).to(device)

    scores = {name: joined([part.scores[name] for part in parts]) for name in parts[0].scores}
    mean, log_var = (joined([getattr(p, name) for p in parts]) for name in ("mean", "log_var"))
    first, z = DiagonalGaussian(mean, log_var), joined([part.z for part in parts])
    variances = tuple(unit.variance for unit in units)
    amortised = scores.pop("amortised", None)
    gaussian = all(part.gaussian for part in parts)
    return Measured(index, Scores(**scores), first, z, variances, predicted, amortised, gaussian, x)


def measure_part(
    vae: VAE,
    x: Tensor,
    q: Posterior,
    samples: int,
    rows: int,
    prior: LatentPrior,
    block: int,
) -> Part:
    """Some examples at once; their numbers go to the CPU."""
    before = q.start if isinstance(q, RefinedPosterior) and q.amortised else None
    q = q.detach()  # no gradient is taken here
    scores = score(vae, x, q, samples, rows, prior, block)
    z = q.first.rsample(1)[0]  # of no use where q is no Gaussian
    found = {field.name: getattr(scores, field.name) for field in fields(Scores)}
    if before is not None:
        found["amortised"] = score(vae, x, before, min(samples, AMORTISED), rows, prior).elbo
    return Part(
        scores={name: values.cpu() for name, values in found.items()},
        mean=q.first.mean.cpu(),
        log_var=q.first.log_var.cpu(),
        z=z.cpu(),
        means=[mean.cpu() for mean in q.means()],
        gaussian=q.gaussian,
    )


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
