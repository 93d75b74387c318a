"""Read what the runs of a table's cells have given so far; nothing is trained or evaluated."""

from collections.abc import Mapping
from typing import Any

from vaelab.errors import UserError
from vaelab.reproduce.cells import Planned
from vaelab.reproduce.compared import compared
from vaelab.reproduce.cost import is_cost, took
from vaelab.reproduce.outcome import Outcome, Trained
from vaelab.reproduce.spec import Cell
from vaelab.runs.evaluated import reported, results
from vaelab.runs.job import Task
from vaelab.runs.run import Run, command


def collect(planned: list[Planned], config_dir: str | None = None) -> list[Outcome]:
    """The outcome of every cell; `config_dir` is a part of the commands that make them."""
    outcomes = [
        Outcome(
            one.cell,
            tuple(trained(one.cell, task, config_dir) for task in one.tasks),
            refused=one.refused,
            marks=one.marks,
            left_out=one.left_out,
        )
        for one in planned
    ]
    return compared(outcomes)


def trained(cell: Cell, task: Task, config_dir: str | None) -> Trained:
    """What one run says about a cell; what cannot be read is that cell's failure."""
    own: dict[str, Any] = {
        "seed": task.config["seed"],
        "folder": task.folder,
        "command": command(
            [*task.overrides, *(["--config-dir", config_dir] if config_dir else [])]
        ),
    }
    try:
        return read(cell, task, own)
    except UserError as error:
        return Trained(status="failed", reason=str(error), **own)


def read(cell: Cell, task: Task, own: dict[str, Any]) -> Trained:
    """The same.

    Raises:
        UserError: a file of the run is damaged, or it has no such metric.
    """
    run = Run(task.folder)
    stored = run.read()
    status = run.status
    own = own | {
        "reason": stored.get("reason"),
        "seconds": stored.get("cost", {}).get("seconds"),
        "epochs": stored.get("training", {}).get("epochs"),
    }
    if is_cost(cell.metric):
        return Trained(**own | took(stored, cell.metric, status))
    split = reported(task.config)
    found = results(run, task.config, split, cell.metric)
    if found is None and status == "complete":
        if why := stored.get("evaluation_failed"):
            own["reason"] = f"evaluation: {why}"
            return Trained(status="failed", **own)
        return Trained(status="not evaluated", **own)
    if found is None:
        return Trained(status=status, **own)
    value, metric = pick(found["metrics"][split], cell.metric)
    return Trained(
        status=status,
        value=value,
        se=metric.get("se") if "." not in cell.metric else None,
        estimator=metric.get("estimator"),
        samples=metric.get("samples"),
        n=metric.get("n"),
        split=split,
        labels=(*found.get("labels", ()), *fewer(metric, task.config["evaluation"])),
        **own,
    )


def fewer(metric: Mapping[str, Any], evaluation: Mapping[str, Any]) -> tuple[str, ...]:
    """That a bound of k samples is of fewer than asked for: all, where less than k were drawn."""
    k, asked = metric.get("k"), evaluation.get("block")
    if k is None or asked is None or k >= asked:
        return ()
    return (f"IWAE-{k} instead of IWAE-{asked}",)


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
