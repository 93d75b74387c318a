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
from vaelab.evaluation.active_units import active_units
from vaelab.evaluation.kept import Kept
from vaelab.evaluation.measure import Measured, measure
from vaelab.evaluation.metric import Metric, over_examples
from vaelab.evaluation.mutual_information import (
    batched_information,
    ceiling,
    paired_information,
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
        arrays: index, nll, elbo, ess and iwae of every example, and the variance of every unit.
    """

    metrics: dict[str, Metric]
    arrays: dict[str, Tensor]

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """`metrics.<split>` of results.json."""
        return {name: metric.as_dict() for name, metric in self.metrics.items()}


@dataclass(frozen=True)
class Evaluation:
    """NLL, ELBO and its parts, IWAE-k, mutual information, active units, effective sample size.

    Of a model without a latent, its exact NLL. Of sentences, perplexity too.

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

    def __post_init__(self) -> None:
        for name, least in LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise UserError(f"evaluation.{name}={value}: must be at least {least}")

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
            posterior: where q(z|x) comes from; called once for each example.
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
            metrics |= information_metrics(measured, self.mi_batch)
            metrics["au"] = unit_metric(measured, self.au_threshold)
        if measured.predicted is not None:
            metrics["ppl"] = perplexity(measured.scores.nll, measured.predicted, samples)
        elif discrete:
            elements = split.x[0].numel()
            bits = measured.scores.nll / (elements * math.log(2))
            metrics["bpd"] = over_examples(bits, f"nll / ({elements} ln 2)", samples)
        return Results(metrics, measured.arrays())


def likelihood_metrics(measured: Measured, samples: int) -> dict[str, Metric]:
    """What the importance samples give; nats, ess in samples."""
    scores = measured.scores
    mean = f"mean of {samples} samples"
    weighted = f"importance weighted, {samples} samples"
    return {
        "elbo": over_examples(scores.elbo, mean, samples),
        "nll": over_examples(scores.nll, weighted, samples),
        "reconstruction": over_examples(scores.reconstruction, mean, samples),
        "kl": over_examples(scores.kl, f"sampled log q - log p, {mean}", samples),
        "inference_gap": over_examples(scores.inference_gap, "-nll - elbo", samples),
        "ess": over_examples(
            scores.ess,
            "(sum w)^2 / sum w^2",
            samples,
            min=float(scores.ess.min()),
            normalised=float(scores.ess.mean()) / samples,
        ),
    }


def tighter_metrics(measured: Measured, samples: int, block: int) -> dict[str, Metric]:
    """IWAE-k of whole blocks of the NLL's samples, and how far below the NLL's log p(x) it is."""
    k, scores = min(block, samples), measured.scores
    blocks = f"{samples // k} block{'s' if samples // k > 1 else ''}"
    said = f"k = {k}, mean of {blocks} of {samples} samples"
    return {
        "iwae": over_examples(scores.iwae, said, samples, k=k),
        "kl_qp": over_examples(scores.kl_qp, f"iwae + nll, {said}", samples, k=k),
    }


def information_metrics(measured: Measured, batch: int) -> dict[str, Metric]:
    """Mutual information under q with either mixture, and what it cannot pass (but for noise)."""
    first, z, n = measured.first, measured.z, len(measured.index)
    batch = min(batch, n)
    mi, full = batched_information(first, z, batch), paired_information(first, z)
    return {
        "mi": over_examples(
            mi,
            f"entropies and a mixture of {batch} posteriors",
            1,
            batch=batch,
            ceiling=ceiling(n, batch),
        ),
        "mi_full": over_examples(
            full, f"paired, mixture of all {n} posteriors", 1, ceiling=math.log(n)
        ),
    }


def perplexity(nll: Tensor, predicted: Tensor, samples: int) -> Metric:
    """The exponential of NLL by predicted token, end marks counted and begin marks not.

    A ratio of sums over the split; its standard error is the delta method's, and one sentence has
    none.
    """
    nll, tokens = nll.double().cpu(), predicted.double()
    each = nll.sum() / tokens.sum()
    value, count = float(each.exp()), int(tokens.sum())
    error = None
    if len(nll) > 1:
        spread = (nll - each * tokens).std() / tokens.mean() / math.sqrt(len(nll))
        error = value * float(spread)
    estimator = f"exp(sum nll / {count} tokens)"
    return Metric(value, error, estimator, samples, len(nll), {"tokens": count})


def unit_metric(measured: Measured, threshold: float) -> Metric:
    """Active units of all levels together; `levels` has each, top first, out of `dims`."""
    levels = [int(active_units(variance, threshold)) for variance in measured.variances]
    dims = [len(variance) for variance in measured.variances]
    estimator = f"variance of posterior means >= {threshold:g}"
    extra = {"levels": levels, "dims": dims}
    return Metric(sum(levels), None, estimator, None, len(measured.index), extra)
