"""What a reproduction would do: its runs, their commands, and their cost on this machine."""

import sys
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from vaelab.composing.compose import Composer
from vaelab.dataset.download import nothing_downloaded
from vaelab.errors import UserError
from vaelab.files import write_json
from vaelab.reproduce.cells import Planned
from vaelab.reproduce.listing import long
from vaelab.reproduce.make import checked, folder, planned_cells
from vaelab.reproduce.request import Request
from vaelab.runs.evaluated import settings_hash
from vaelab.runs.job import Task
from vaelab.runs.run import Run, command

ESTIMATE = "estimate.json"


def dry_run(request: Request, composer: Composer) -> int:
    """List every run that the selected cells need; train nothing. 2 if a cell is refused."""
    with nothing_downloaded():  # sentences are read to know how many words there are
        return _dry_run(request, composer)


def _dry_run(request: Request, composer: Composer) -> int:
    planned = planned_cells(request, composer)
    wanted, todo = checked([one for one in planned if one.cell in request.selection], request)
    from vaelab.build import device  # imports torch, as the timing does
    from vaelab.reproduce.estimate import Estimator

    estimator, unknown = Estimator(), list[Path]()
    console = Console(highlight=False, soft_wrap=True)
    total = 0.0
    for number, task in enumerate(todo, start=1):
        names = ", ".join(cells_of(task, wanted))
        run = Run(task.folder)
        console.print(f"[{number}/{len(todo)}] {names} ({run.status})", markup=False)
        console.print(f"    {command(task.overrides)}", markup=False)
        try:
            cost = estimator(task.config, run)
        except UserError as error:  # data of unknown size that are not here
            unknown.append(task.folder)
            console.print(f"    cost unknown: {error}", markup=False)
            continue
        ways = {settings_hash(one.config["evaluation"]) for one in task.wanted if one.missing(run)}
        cost = replace(cost, evaluation=cost.evaluation * len(ways))
        total += cost.seconds
        epochs = " + ".join(f"{left} epochs x {long(one)}" for left, one in cost.stages)
        console.print(
            f"    at most {epochs} + evaluation {long(cost.evaluation)} = {long(cost.seconds)}",
            markup=False,
        )
        sys.stdout.flush()
    for why in dict.fromkeys(one.refused for one in wanted if one.refused is not None):
        names = ", ".join(one.cell.name for one in wanted if one.refused == why)
        console.print(f"{names}: refused: {why}", markup=False)
    for why in dict.fromkeys(one.left_out for one in wanted if one.left_out is not None):
        names = ", ".join(one.cell.name for one in wanted if one.left_out == why)
        console.print(f"{names}: not in this budget: {why}", markup=False)
    runs = {task.folder for one in wanted for task in one.tasks}
    place = f"one after the other on {device(todo[0].config)}" if todo else "nothing to do"
    others = f", and {len(unknown)} of unknown cost" if unknown else ""
    patient = any(task.config["patience"] is not None for task in todo)
    sooner = "early stopping ends most sooner; " if patient else ""
    console.print(
        f"{len(todo)} of {len(runs)} runs to do, at most {long(total)} {place}{others} "
        f"({sooner}an estimate from a few timed steps)",
        markup=False,
    )
    if len(wanted) == len(planned) and not unknown:
        record = {"seconds": total, "runs": len(todo), "of": len(runs), "device": place}
        write_json(folder(request, planned) / ESTIMATE, record)
    return 2 if any(one.refused for one in wanted) else 0


def cells_of(task: Task, planned: list[Planned]) -> list[str]:
    """Names of the cells that a run fills."""
    return [
        one.cell.name for one in planned if any(other.folder == task.folder for other in one.tasks)
    ]
