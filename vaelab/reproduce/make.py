"""Fill a table: plan its cells, launch what is missing, collect, write the pages."""

import hashlib
import shlex
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

from vaelab import __version__, partners
from vaelab.composing import groups
from vaelab.composing.compose import Composer
from vaelab.errors import UserError
from vaelab.reproduce.cells import Planned, changes, plan_cells
from vaelab.reproduce.collect import collect
from vaelab.reproduce.diagnosed import pictures
from vaelab.reproduce.outcome import Outcome, Report
from vaelab.reproduce.pages import terminal
from vaelab.reproduce.pages.write import write_pages
from vaelab.reproduce.request import Request
from vaelab.runs.job import Task
from vaelab.runs.provenance import git_commit
from vaelab.sweeps.plan import check


def reproduce(request: Request, composer: Composer) -> int:
    """Train and evaluate what is missing of the selected cells; 0 if they are all there."""
    planned = planned_cells(request, composer)
    wanted = [one for one in planned if one.cell in request.selection]
    wanted, todo = checked(wanted, request)
    if todo:
        partners.check_sweep(todo[0].config["lightning"], "vaelab reproduce")
        from vaelab.sweeps.launch import launch

        launch(composer, todo)
    known = {one.cell.name: one for one in wanted}
    shown = show(request, [known.get(one.cell.name, one) for one in planned])
    left = [one for one in shown if not one.finished]
    if left:
        again = "the same command tries them again"
        own = sum(one.wanted for one in shown)
        print(f"vaelab: {len(left)} of {own} cells are not done; {again}", file=sys.stderr)
    return int(bool(left))


def planned_cells(request: Request, composer: Composer) -> list[Planned]:
    """Every cell of the table, selected or not: the pages show them all."""
    table = request.table
    print(f"{table.kind} {table.name}, budget={request.budget.name}: {len(table.cells)} cells")
    sys.stdout.flush()
    seeds = request.selection.seeds
    planned = plan_cells(table.cells, request.budget, seeds, request.extra, composer)
    reasons = {one.refused for one in planned if not one.cell.quoted and one.left_out is None}
    if len(reasons) == 1 and (reason := reasons.pop()) is not None:
        raise UserError(reason)  # what was typed for all of them is wrong
    return planned


def checked(wanted: list[Planned], request: Request) -> tuple[list[Planned], list[Task]]:
    """The cells, those that cannot be built refused; and every run that is not done, once.

    A run that several cells evaluate differently (its epochs, say) is trained once for them all.
    """
    runs: dict[Path, Task] = {}
    kept = []
    submitted = "submitit" in " ".join(request.extra)  # a cluster's GPUs are not visible here
    for one in wanted:
        try:
            todo = [task for task in one.tasks if not task.done]
            if todo:
                check(todo, devices=not submitted)
        except UserError as error:
            kept.append(replace(one, tasks=(), refused=str(error)))
            continue
        for task in todo:
            before = runs[task.folder].wanted if task.folder in runs else ()
            first = runs.get(task.folder, task)
            runs[task.folder] = replace(first, wanted=(*before, *task.wanted))
        kept.append(one)
    return kept, list(runs.values())


def show(request: Request, planned: list[Planned]) -> list[Outcome]:
    """Print the selected cells, whose outcomes are returned, and write the pages of all."""
    commit = git_commit()
    command = shlex.join(["vaelab", "reproduce", *request.words])
    report = Report(
        table=request.table,
        budget=(request.budget.name, request.budget.means),
        outcomes=collect(planned, request.config_dir),
        command=command,
        extra=changes(request.extra),
        made=date.today(),
        version=__version__,
        commit=commit,
    )
    shown = [one for one in report.outcomes if one.cell in request.selection]
    terminal.show(replace(report, outcomes=shown))
    place = folder(request, planned)
    try:
        if request.table.diagnosis is not None:
            report = replace(report, pictures=pictures(report, request, place / "diagnosis"))
        written = write_pages(report, place)
    except OSError as error:
        raise UserError(f"{place}: cannot be written ({error.strerror})") from error
    for path in written:
        print(f"written: {path}")
    return shown


def folder(request: Request, planned: list[Planned]) -> Path:
    """<output_dir>/tables/<name>/<budget>, with a hash behind it where settings were changed."""
    roots = [task.config["output_dir"] for one in planned for task in one.tasks]
    roots.append(groups.settings(groups.config_dir())["output_dir"][0])
    changed, seeds = changes(request.extra), request.selection.seeds
    if seeds is not None:
        changed.append(f"seeds={','.join(map(str, seeds))}")
    name = request.budget.name
    if changed:
        text = "\n".join(sorted(changed))
        name += f"-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    return Path(str(roots[0])) / f"{request.table.kind}s" / request.table.name / name
