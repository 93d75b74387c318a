"""Read what the runs of a table's cells have given so far; nothing is trained or evaluated."""

from collections.abc import Mapping
from typing import Any

from vaelab.errors import UserError
from vaelab.evaluated import results
from vaelab.job import Task
from vaelab.reproduce.cells import Planned
from vaelab.reproduce.outcome import Outcome, Trained
from vaelab.reproduce.spec import Cell
from vaelab.run import Run, command

SPLIT = "test"


def collect(planned: list[Planned]) -> list[Outcome]:
    """The outcome of every cell."""
    return [
        Outcome(
            one.cell,
            tuple(trained(one.cell, task) for task in one.tasks),
            refused=one.refused,
            marks=one.marks,
        )
        for one in planned
    ]


def trained(cell: Cell, task: Task) -> Trained:
    """What one run says about a cell."""
    run = Run(task.folder)
    stored = run.read()
    status = run.status
    own = {
        "seed": task.config["seed"],
        "folder": run.folder,
        "command": command(task.overrides),
        "reason": stored.get("reason"),
        "seconds": stored.get("cost", {}).get("seconds"),
        "epochs": stored.get("training", {}).get("epochs"),
    }
    found = results(run, task.config, SPLIT)
    if found is None:
        return Trained(status="not evaluated" if status == "complete" else status, **own)
    value, metric = pick(found["metrics"][SPLIT], cell.metric)
    return Trained(
        status=status,
        value=value,
        se=metric.get("se") if "." not in cell.metric else None,
        estimator=metric.get("estimator"),
        samples=metric.get("samples"),
        n=metric.get("n"),
        labels=tuple(found.get("labels", ())),
        **own,
    )


def pick(metrics: Mapping[str, Any], wanted: str) -> tuple[float, Mapping[str, Any]]:
    """The value that "nll", "-nll" or "au.levels.1" names, and its metric.

    Raises:
        UserError: there is no such metric.
    """
    name, *path = wanted.removeprefix("-").split(".")
    if name not in metrics:
        raise UserError(f"metric={wanted}: the results have {', '.join(metrics)}")
    value: Any = metrics[name] if path else metrics[name]["value"]
    for step in path:
        try:
            value = value[int(step)] if step.isdigit() else value[step]
        except (KeyError, IndexError, TypeError) as error:
            raise UserError(f"metric={wanted}: {name} has no {'.'.join(path)}") from error
    return (-value if wanted.startswith("-") else value), metrics[name]
