"""The metrics of a split, each with its estimator and standard error, from what was measured."""

import math

from torch import Tensor

from vaelab.evaluation.active_units import active_units
from vaelab.evaluation.measure import AMORTISED, Measured
from vaelab.evaluation.metric import Metric, over_examples
from vaelab.evaluation.mutual_information import (
    batched_information,
    ceiling,
    paired_information,
)


def likelihood_metrics(measured: Measured, samples: int) -> dict[str, Metric]:
    """What the importance samples give; nats, ess in samples."""
    scores = measured.scores
    mean = f"mean of {samples} samples"
    weighted = f"importance weighted, {samples} samples"
    if not measured.gaussian:  # a posterior over few indices: the rest of p(x) is not seen
        weighted += ", of where q has mass"
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


def amortisation_metrics(measured: Measured, samples: int) -> dict[str, Metric]:
    """Of a refined posterior: the encoder's ELBO, and what refinement adds to it; nats."""
    if (amortised := measured.amortised) is None:
        return {}
    fewer = min(samples, AMORTISED)
    gap = measured.scores.elbo - amortised
    return {
        "elbo_amortised": over_examples(
            amortised, f"of the encoder's posterior, mean of {fewer} samples", fewer
        ),
        "amortisation_gap": over_examples(gap, "elbo - elbo_amortised", fewer),
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


def perplexity(nll: Tensor, predicted: Tensor, samples: int, name: str = "nll") -> Metric:
    """The exponential of NLL by predicted token, end marks counted and begin marks not.

    Or of minus the ELBO, whose name is then given. A ratio of sums over the split; its standard
    error is the delta method's, and one sentence has none.
    """
    nll, tokens = nll.double().cpu(), predicted.double()
    each = nll.sum() / tokens.sum()
    value, count = float(each.exp()), int(tokens.sum())
    error = None
    if len(nll) > 1:
        spread = (nll - each * tokens).std() / tokens.mean() / math.sqrt(len(nll))
        error = value * float(spread)
    estimator = f"exp(sum {name} / {count} tokens)"
    return Metric(value, error, estimator, samples, len(nll), {"tokens": count})


def unit_metric(measured: Measured, threshold: float) -> Metric:
    """Active units of all levels together; `levels` has each, top first, out of `dims`."""
    levels = [int(active_units(variance, threshold)) for variance in measured.variances]
    dims = [len(variance) for variance in measured.variances]
    estimator = f"variance of posterior means >= {threshold:g}"
    extra = {"levels": levels, "dims": dims}
    return Metric(sum(levels), None, estimator, None, len(measured.index), extra)
