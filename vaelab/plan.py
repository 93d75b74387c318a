"""From the words of `vaelab train` to runs: plan all, refuse early, skip what is finished."""

import sys
from collections.abc import Iterable

from omegaconf import OmegaConf

from vaelab import own_files, partners
from vaelab import run as runs
from vaelab.compose import Cell, Composer
from vaelab.errors import UserError
from vaelab.evaluated import Wanted, evaluation_file
from vaelab.job import Task, evaluate
from vaelab.job import train as train_task
from vaelab.reporting import summary
from vaelab.run import Run
from vaelab.validate import check_settings, validate


def show_config(overrides: list[str], extra: str | None, multirun: bool) -> int:
    """Print the composed config of every job."""
    for number, cell in enumerate(Composer(extra, multirun).cells(overrides)):
        if number:
            print("---")
        print(OmegaConf.to_yaml(cell.config), end="")
    return 0


def train(overrides: list[str], extra: str | None, multirun: bool) -> int:
    """Train every job that is not finished; 0 if all are complete, else 1."""
    composer = Composer(extra, multirun)
    tasks = plan(composer.cells(overrides))
    todo = [task for task in tasks if not task.done]
    if todo:
        # A cluster's GPUs are not visible where its jobs are submitted.
        check(todo, devices="submitit" not in " ".join(overrides))
    if multirun:
        partners.check_sweep(tasks[0].config["lightning"])
        return sweep(composer, tasks, len(todo))
    run = Run(tasks[0].folder)
    if run.status in runs.FINAL:
        own_files.check(run, tasks[0].config)
        print(f"{run} is complete; fresh=true trains another beside it")
    else:
        partners.check(tasks[0].config)
        verb = "resuming" if run.status in ("interrupted", "failed", "pruned") else "training"
        print(f"{verb} {run}", flush=True)
        run = train_task(todo[0])
    evaluate(tasks[0])
    if partners.further(tasks[0].config["lightning"]):
        return 0
    if run.status not in runs.FINAL:
        reason = run.read().get("reason") or run.status
        print(f"vaelab: {reason} (see {run.log})", file=sys.stderr)
        return 1
    summary.show(run)
    for one in tasks[0].wanted:
        if not one.missing(run):
            summary.show_evaluation(evaluation_file(run, one.config))
    return 0


def sweep(composer: Composer, tasks: list[Task], todo: int) -> int:
    """Launch what is not finished and show a table of all."""
    print(f"{len(tasks)} runs, {len(tasks) - todo} of them finished", flush=True)
    changed = [fault for task in tasks if (fault := other_data(task))]
    for fault in changed:
        print(f"vaelab: {fault}", file=sys.stderr)
    if todo:
        from vaelab.sweep import launch

        launch(composer, tasks)
    found = [Run(task.folder) for task in tasks]
    summary.show_all(found, [task.overrides for task in tasks])
    return 0 if all(run.status in runs.FINAL for run in found) and not changed else 1


def other_data(task: Task) -> str:
    """What is to be said of a finished run whose own data have changed; empty if they have not."""
    run = Run(task.folder)
    try:
        if run.status in runs.FINAL:
            own_files.check(run, task.config)
    except UserError as error:
        return str(error)
    return ""


def plan(cells: Iterable[Cell]) -> list[Task]:
    """A task for every different run that the cells mean.

    Settings outside components are checked here; a component's own need imports (`check`), which
    a command whose runs are all finished does not pay for.
    """
    tasks: dict[str, Task] = {}
    for cell in cells:
        config = container(cell)
        settled, faults = check_settings(config)
        if faults:
            raise UserError("; ".join(faults))
        folder = runs.of(settled).folder
        # Another epoch than the selected one is evaluated beside the run's own results.
        epoch = settled["evaluation"].get("epoch")  # pyright: ignore[reportAttributeAccessIssue]
        wanted = () if epoch is None else (Wanted(settled),)
        tasks.setdefault(str(folder), Task(settled, folder, cell.overrides, wanted))
    return list(tasks.values())


def check(tasks: list[Task], devices: bool = True) -> None:
    """Refuse wrong settings and combinations of every task before the first starts."""
    for task in tasks:
        task.config.update(validate(task.config))
    from vaelab.build import build, check_devices, construct

    for task in tasks:
        if devices:
            check_devices(task.config)
        build(task.config)
        if "_target_" in task.config["evaluation"]:
            construct(task.config["evaluation"], {})


def container(cell: Cell) -> dict[str, object]:
    """A cell's config as a plain dict.

    Raises:
        UserError: a value was left to be given (`???`).
    """
    missing = sorted(OmegaConf.missing_keys(cell.config))
    if missing:
        raise UserError(f"{', '.join(missing)}: must be given, as in {missing[0]}=VALUE")
    plain = OmegaConf.to_container(cell.config, resolve=True)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}
