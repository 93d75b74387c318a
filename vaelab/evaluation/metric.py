"""A number with what it takes to judge it, as results.json keeps it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Metric:
    """One quantity over n examples.

    Attributes:
        value: the estimate.
        se: its standard error over examples; None where it has none.
        estimator: how it was estimated.
        samples: latents drawn for each example; None where none were.
        n: examples.
        extra: what only this quantity has, such as the ceiling of a mutual information.
    """

    value: float | int
    se: float | None
    estimator: str
    samples: int | None
    n: int
    extra: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Its entry in results.json."""
        return {
            "value": self.value,
            "se": self.se,
            "estimator": self.estimator,
            "samples": self.samples,
            "n": self.n,
            **self.extra,
        }


def over_examples(
    values: Float[Tensor, "N"], estimator: str, samples: int | None, **extra: object
) -> Metric:
    """The mean of per-example values with the standard error of a mean of N."""
    values, n = values.double(), len(values)
    se = float(values.std()) / math.sqrt(n) if n > 1 else None
    return Metric(float(values.mean()), se, estimator, samples, n, extra)
