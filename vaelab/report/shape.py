"""Whether a JSON of results is one of vaelab's."""

import math
from typing import Any


def misshapen(results: Any) -> str:
    """Why results.json is not one of vaelab's; empty if it is."""
    if not isinstance(results, dict):
        return "holds no results"
    parts = ("metrics", "training", "cost", "choices", "versions", "model", "best", "checkpoint")
    parts += ("data", "own_files")
    for name in parts:
        if not isinstance(results.get(name) or {}, dict):
            return f"{name} is no mapping"
    for split, metrics in (results.get("metrics") or {}).items():
        if not isinstance(metrics, dict):
            return f"metrics.{split} is no mapping"
        for name, metric in metrics.items():
            if not isinstance(metric, dict) or not is_number(metric.get("value")):
                return f"metrics.{split}.{name} has no value"
    labels = results.get("labels") or []
    return "" if isinstance(labels, list) else "labels are no list"


def is_number(value: object) -> bool:
    """Of a metric: a number, NaN too, or none."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def finite(value: object) -> float | None:
    """A number that can be compared; None for anything else."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if plain and math.isfinite(value) else None  # pyright: ignore
