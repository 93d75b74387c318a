"""log p(x) under a model beside that under the distribution the data are drawn from."""

from dataclasses import replace
from typing import Protocol, runtime_checkable

from jaxtyping import Float, Num
from torch import Tensor

from vaelab.dataset.base import Split
from vaelab.evaluation.evaluate import Results
from vaelab.evaluation.metric import over_examples


@runtime_checkable
class Known(Protocol):
    """A data set that knows its density."""

    def log_marginal(self, x: Num[Tensor, "B *event"], /) -> Float[Tensor, "B"]:
        """Density log p(x) in nats, float64."""
        ...


def beside_truth(results: Results, dataset: object, split: Split) -> Results:
    """With the truth's log-likelihood of the same examples, and how far the model is below it.

    The gap's standard error is that of the differences: what examples share cancels. As it is
    where log p(x) was not asked for or the data set does not know it.
    """
    learned = results.arrays.get("log_likelihood")
    if learned is None or not isinstance(dataset, Known):
        return results
    true = dataset.log_marginal(split[results.arrays["index"].to(split.x.device)]).cpu()
    metrics = {
        "log_likelihood_true": over_examples(true, "the data's own density", None),
        "log_likelihood_gap": over_examples(true - learned, "true - learned, paired", None),
    }
    return replace(results, metrics=results.metrics | metrics)
