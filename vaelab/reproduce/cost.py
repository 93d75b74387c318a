"""Cells that show what runs took."""

from collections.abc import Mapping
from typing import Any

from vaelab.errors import UserError
from vaelab.runs.run import FINAL

COST = "cost."
HOURS = "training_hours"  # the one name that results.json has in seconds


def is_cost(metric: str) -> bool:
    """Whether a cell shows a cost of the run, and not what its model was measured at."""
    return metric.startswith(COST)


def took(stored: Mapping[str, Any], metric: str, status: str) -> dict[str, Any]:
    """What `Trained` says of a run's cost; no value before the run is finished.

    Hours are those spent in updates: what validation and evaluation take is not the method's.

    Args:
        stored: results.json.
        metric: "cost.training_hours", or "cost." and any name below `cost` there.
        status: of the run.

    Raises:
        UserError: a finished run has no such cost.
    """
    if status not in FINAL:
        return {"status": status}
    name, costs = metric.removeprefix(COST), dict(stored.get("cost", {}))
    if "training_seconds" in costs:
        costs[HOURS] = costs["training_seconds"] / 3600
    if costs.get(name) is None:
        raise UserError(f"metric={metric}: the run's costs are {', '.join(costs)}")
    estimator = f"of training on {stored.get('device', 'an unknown device')}"
    labels = tuple(stored.get("labels", ()))
    return {
        "status": status,
        "value": float(costs[name]),
        "estimator": estimator,
        "labels": labels,
    }
