"""From the words of `vaelab train` to runs: plan all, refuse early, skip what is finished."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from vaelab import partners
from vaelab.composing.compose import Cell, Composer
from vaelab.composing.validate import check_settings, validate
from vaelab.errors import UserError, one_line
from vaelab.reporting import summary
from vaelab.runs import fresh, own_files
from vaelab.runs import run as runs
from vaelab.runs.evaluated import Wanted, evaluation_file
from vaelab.runs.job import Task, evaluate
from vaelab.runs.job import train as train_task
from vaelab.runs.run import Run
from vaelab.sweeps.one_run import together


def show_config(overrides: list[str], extra: str | None, multirun: bool) -> int:
    """Print the composed config of every job."""
    for number, cell in enumerate(Composer(extra, multirun).cells(overrides)):
        if number:
            print("---")
        print(OmegaConf.to_yaml(cell.config), end="")
    return 0


def train(overrides: list[str], extra: str | None, multirun: bool) -> int:
    """Train every job that is not finished; 0 if all are complete and evaluated, else 1."""
    composer = Composer(extra, multirun)
    tasks = plan(composer.cells(overrides))
    todo = [task for task in tasks if not task.done]
    if todo:
        # A cluster's GPUs are not visible where its jobs are submitted.
        check(todo, devices="submitit" not in " ".join(overrides))
    lightning = tasks[0].config["lightning"]
    if multirun:
        partners.check_sweep(lightning)
    elif Run(tasks[0].folder).status not in runs.FINAL:
        partners.check(tasks[0].config)
    numbered = ""
    new = [fresh.asked(task) for task in tasks]
    if any(new):
        tasks = fresh.numbered(tasks)
        numbered = f"fresh={tasks[new.index(True)].config['fresh']}"
    try:
        return sweep(composer, tasks, numbered) if multirun else single(tasks[0], numbered)
    except KeyboardInterrupt as error:
        if not numbered:
            raise
        raise KeyboardInterrupt(f"the same command with {numbered}") from error


def single(task: Task, numbered: str) -> int:
    """Train one run in this process and show its results."""
    run = Run(task.folder)
    if run.status in runs.FINAL:
        own_files.check(run, task.config)
        print(f"{run} is complete; fresh=true trains another beside it")
    else:
        verb = "resuming" if run.status in ("interrupted", "failed", "pruned") else "training"
        print(f"{verb} {run}{numbered and f', {numbered} goes on with it'}", flush=True)
        run = train_task(task)
    evaluate(task)
    if partners.further(task.config["lightning"]):
        return 0
    if run.status not in runs.FINAL:
        reason = run.read().get("reason") or run.status
        print(f"vaelab: {one_line(reason)} (see {run.log})", file=sys.stderr)
        return 1
    summary.show(run)
    for one in task.wanted:
        if not one.missing(run):
            summary.show_evaluation(evaluation_file(run, one.config))
    return ended([task])


def sweep(composer: Composer, tasks: list[Task], numbered: str) -> int:
    """Launch what is not finished and show a table of all."""
    finished = sum(task.done for task in tasks)
    note = numbered and f"; {numbered} goes on with them"
    print(f"{len(tasks)} runs, {finished} of them finished{note}", flush=True)
    changed = [fault for task in tasks if (fault := other_data(task))]
    for fault in changed:
        print(f"vaelab: {fault}", file=sys.stderr)
    if finished < len(tasks):
        from vaelab.sweeps.launch import launch

        launch(composer, tasks)
    summary.show_all([Run(task.folder) for task in tasks], [task.overrides for task in tasks])
    return 1 if changed else ended(tasks)


def ended(tasks: list[Task]) -> int:
    """0 if nothing is left to do, else 1; names the evaluations that failed."""
    for task in tasks:
        run = Run(task.folder)
        if run.status in runs.FINAL and not task.done:
            why = run.read().get("evaluation_failed") or "it was not made"
            said = f"{run}: evaluation failed: {one_line(why)} (see {run.log})"
            print(f"vaelab: {said}", file=sys.stderr)
    return 0 if all(task.done for task in tasks) else 1


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
    """A task for every different run that the cells mean; no folder is made.

    Settings outside components are checked here; a component's own need imports (`check`), which
    a command whose runs are all finished does not pay for.
    """
    tasks: dict[tuple[Path, bool], list[Task]] = {}
    for cell in cells:
        config = container(cell)
        settled, faults = check_settings(config)
        if faults:
            raise UserError("; ".join(faults))
        # Another epoch than the selected one is evaluated beside the run's own results.
        epoch = settled["evaluation"].get("epoch")  # pyright: ignore[reportAttributeAccessIssue]
        wanted = () if epoch is None else (Wanted(settled),)
        task = Task(settled, fresh.folder(settled), cell.overrides, wanted)
        tasks.setdefault((task.folder, fresh.asked(task)), []).append(task)
    return [together(same) for same in tasks.values()]


def check(tasks: list[Task], devices: bool = True) -> None:
    """Refuse wrong settings and combinations of every task before the first starts."""
    for config in (config for task in tasks for config in configs(task)):
        config.update(validate(config))
    from vaelab.build import build, check_chosen_gpus, check_devices, construct

    for task in tasks:
        if devices:
            check_devices(task.config)
            check_chosen_gpus(task.config)
        build(task.config)
        for config in configs(task):
            if "_target_" in config["evaluation"]:
                construct(config["evaluation"], {})


def configs(task: Task) -> list[dict[str, Any]]:
    """A task's own config and those of its evaluations that are others."""
    others = [one.config for one in task.wanted if one.config is not task.config]
    return [task.config, *others]


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
