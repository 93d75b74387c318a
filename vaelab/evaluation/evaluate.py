"""What is reported of a model on a split: every metric with its estimator and standard error."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from torch import Tensor

from vaelab.batch import Batch
from vaelab.bound.base import Bound
from vaelab.dataset.base import Split
from vaelab.errors import UserError
from vaelab.evaluation.kept import Kept
from vaelab.evaluation.marginal import Points, log_marginal
from vaelab.evaluation.measure import measure
from vaelab.evaluation.metric import Metric, over_examples
from vaelab.evaluation.metrics import (
    amortisation_metrics,
    information_metrics,
    likelihood_metrics,
    perplexity,
    tighter_metrics,
    unit_metric,
)
from vaelab.evaluation.progress import silent
from vaelab.model import VAE
from vaelab.posterior import Posterior

LEAST = {
    "samples": 1,
    "autoregressive_samples": 1,
    "chunk": 1,
    "block": 1,
    "epoch": 1,
}
LEAST |= {"mi_batch": 2}  # one example alone has nothing to be told from
LEAST |= {"examples": 2, "autoregressive_examples": 2}  # a variance needs two


@dataclass(frozen=True)
class Results:
    """What one split gave.

    Attributes:
        metrics: numbers to report, by name.
        arrays: index, nll, elbo, ess and iwae of every example, and the variance of every unit;
            log_likelihood where it was asked for.
    """

    metrics: dict[str, Metric]
    arrays: dict[str, Tensor]

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """`metrics.<split>` of results.json."""
        return {name: metric.as_dict() for name, metric in self.metrics.items()}


@dataclass(frozen=True)
class Evaluation:
    """NLL, ELBO and its parts, IWAE-k, mutual information, active units, effective sample size.

    Of a model without a latent, its exact NLL. Of sentences, perplexity too. Where it is asked for,
    log p(x) by an estimator that is the same for every way to train.

    Args:
        samples: latents drawn for each example.
        examples: how many of a split, drawn by the seed without replacement; null: all.
        splits: which splits an evaluation of a run covers.
        seed: of the examples drawn, of a data set's own draws (dynamic binarisation) and of the
            latents. Same seed and settings, same numbers.
        epoch: whose weights a run is evaluated with, one of its snapshots; null: of the
            epoch that is selected.
        chunk: samples x examples in one pass of the decoder; costs memory, not accuracy.
        block: k of `iwae`, the bound that k samples give: its mean over disjoint blocks of the
            NLL's own samples. All of them where fewer are drawn.
        mi_batch: examples that are each other's mixture in `mi`, which cannot pass log of it.
        au_threshold: variance of its posterior mean at which a unit counts as active.
        autoregressive_samples: `samples` where the decoder is autoregressive.
        autoregressive_examples: `examples` where the decoder is autoregressive.
        per_example: an evaluation of a run also writes an .npz of `Results.arrays`.
        marginal: points a side of the first grid that log p(x) is summed on where the latent has
            one or two dimensions, doubled until it settles ("auto": 4001, 161); elsewhere it takes
            `samples`. None: it is not reported.
    """

    samples: int
    examples: int | None
    splits: list[Literal["train", "valid", "test"]]
    seed: int
    epoch: int | None
    chunk: int
    block: int
    mi_batch: int
    au_threshold: float
    autoregressive_samples: int
    autoregressive_examples: int | None
    per_example: bool
    marginal: Points | None

    def __post_init__(self) -> None:
        for name, least in LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise UserError(f"evaluation.{name}={value}: must be at least {least}")
        if isinstance(self.marginal, int) and (self.marginal < 5 or self.marginal % 2 == 0):
            raise UserError(
                f"evaluation.marginal={self.marginal}: must be an odd number of points from 5 on, "
                "every second of which are a grid too; or auto, or null"
            )

    @property
    def settings(self) -> dict[str, Any]:
        """Every argument, for the record."""
        return asdict(self)

    def size(self, vae: VAE, split: Split) -> tuple[int, int]:
        """Samples for each example, and examples, for this model and split."""
        samples, examples = self.samples, self.examples
        if vae.decoder.autoregressive:
            samples, examples = self.autoregressive_samples, self.autoregressive_examples
        if vae.decoder.exact:  # one pass an example, whatever it is made of
            samples, examples = 1, self.examples
        return samples, min(examples or len(split), len(split))

    def rows(self, autoregressive: bool, examples: int, num_samples: int) -> int:
        """How many rows the decoder is given for a split of so many examples."""
        samples, limit = self.samples, self.examples
        if autoregressive:
            samples, limit = self.autoregressive_samples, self.autoregressive_examples
        return samples * min(limit or examples, examples)

    def __call__(
        self,
        vae: VAE,
        posterior: Callable[[Batch], Posterior],
        split: Split,
        name: str,
        discrete: bool,
        progress: Callable[[int], None] = silent,
        kept: Kept | None = None,
        bound: Bound | None = None,
        beta: float = 1.0,
    ) -> Results:
        """Evaluate one split on the model's device.

        Args:
            vae: the model.
            posterior: where q(z|x) comes from; called once for each example, and again where
                `marginal` takes samples.
            split: the data.
            name: of the split; in messages, and part of the seed.
            discrete: whether the likelihood is a probability, so that bits per dimension exist.
            progress: called with each number of examples done.
            kept: what an evaluation that was killed has done already.
            bound: what the model was trained under at the epoch; the numbers here are of the
                model alone.
            beta: KL weight of that epoch; the same.

        Raises:
            UserError: the model gives an example no mass in any sample.
        """
        samples, examples = self.size(vae, split)
        measured = measure(
            vae,
            posterior,
            split,
            name,
            seed=self.seed,
            samples=samples,
            examples=examples,
            rows=self.chunk,
            progress=progress,
            kept=kept,
            block=self.block,
        )
        if vae.decoder.exact:
            metrics = {"nll": over_examples(measured.scores.nll, "exact", None)}
        else:
            metrics = likelihood_metrics(measured, samples)
            metrics |= tighter_metrics(measured, samples, self.block)
            metrics |= amortisation_metrics(measured, samples)
            if measured.gaussian:
                metrics |= information_metrics(measured, self.mi_batch)
            metrics["au"] = unit_metric(measured, self.au_threshold)
        if measured.predicted is not None:
            metrics["ppl"] = perplexity(measured.scores.nll, measured.predicted, samples)
            if not vae.decoder.exact:
                loss = -measured.scores.elbo
                metrics["ppl_bound"] = perplexity(loss, measured.predicted, samples, "-elbo")
        elif discrete:
            elements = split.x[0].numel()
            bits = measured.scores.nll / (elements * math.log(2))
            metrics["bpd"] = over_examples(bits, f"nll / ({elements} ln 2)", samples)
        arrays = measured.arrays()
        if self.marginal is not None:
            found = log_marginal(
                vae,
                posterior,
                split,
                name,
                measured,
                points=self.marginal,
                seed=self.seed,
                samples=samples,
                rows=self.chunk,
            )
            if found is not None:
                words, drawn = found.estimator, found.samples
                arrays["log_likelihood"] = found.log_px.cpu()
                metrics["log_likelihood"] = over_examples(found.log_px, words, drawn, **found.extra)
        return Results(metrics, arrays)
