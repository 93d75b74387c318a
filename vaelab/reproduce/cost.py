"""Cells that show what runs took, as it is or in units of another row's."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from vaelab.errors import UserError
from vaelab.reproduce.outcome import Outcome, Trained
from vaelab.run import FINAL

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


def relative(outcomes: list[Outcome]) -> list[Outcome]:
    """The same, cells that are relative to a row divided by its mean over seeds.

    While that row has no number, neither have they: they are then as far as it is.
    """
    bases = {one.cell.name: one for one in outcomes}

    def divided(one: Outcome) -> Outcome:
        row = one.cell.relative_to
        if row is None:
            return one
        base = bases[f"{row}/{one.cell.column.name}"]
        return replace(one, runs=tuple(_divided(run, base) for run in one.runs))

    return [divided(one) for one in outcomes]


def _divided(run: Trained, base: Outcome) -> Trained:
    if run.value is None:
        return run
    row = base.cell.row.label
    if base.mean is None:
        first = base.runs[0] if base.runs else None
        status = "failed" if base.refused else first.status if first else "not evaluated"
        why = base.refused or (first.reason if first else None)
        reason = f"{row}: {why}" if why else None
        return replace(run, value=None, se=None, status=status, reason=reason)
    by = f"{run.estimator}, by the mean of {row}"
    return replace(run, value=run.value / base.mean, se=None, estimator=by)
