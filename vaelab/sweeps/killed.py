"""Runs whose process was killed: found by their files, named in their results, tried last."""

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus

from vaelab.runs import run as runs
from vaelab.runs.job import Task
from vaelab.runs.run import Run

KILLED = "its process was killed"
MEMORY = f"{KILLED}; out of memory?"


@dataclass(frozen=True)
class Gone:
    """What a job returns that has not come to an end; why."""

    why: str


def before(task: Task) -> bool:
    """Whether its process was killed when somebody was last at it, alone or with the sweep's."""
    run = Run(task.folder)
    results = run.read()
    if results.get("status") == "running":
        return not run.locked()
    return str(results.get("reason") or results.get("evaluation_failed") or "").startswith(KILLED)


def begun(tasks: Iterable[Task]) -> dict[Path, int]:
    """When each task was last begun: whoever begins signs its lock. Without those never begun."""
    found = {}
    for task in tasks:
        with suppress(OSError):
            found[task.folder] = (task.folder / "lock").stat().st_mtime_ns
    return found


def cut(task: Task) -> bool:
    """Whether a task that was begun was left in the middle, and nobody is at it."""
    run = Run(task.folder)
    results = run.read()
    left = results.get("status", "new") in ("new", "running")
    if results.get("status") in runs.FINAL:  # its evaluation may have failed instead
        left = str(results.get("evaluation_failed") or KILLED).startswith(KILLED)
    return left and not task.done and not run.locked()


def mark(task: Task, why: str) -> bool:
    """Say so in a run's results; False where another process is at it."""
    run = Run(task.folder)
    if not run.read():  # its first process shall find it as it is
        print(f"vaelab: {run}: {why}", file=sys.stderr, flush=True)
        return True
    try:
        with run.lock():
            if task.done:
                return True
            status = run.read().get("status")
            if status in runs.FINAL:
                run.update(evaluation_failed=why)
            elif status != "interrupted":  # it has had the time to say so
                run.update(status="failed", reason=why)
    except runs.Busy:
        return False
    return True


@contextmanager
def told(launcher: str) -> Iterator[None]:
    """Let a launcher wait for its other jobs where one is lost, which returns Gone.

    As they are, Hydra's launchers raise at the first, and leave the others to themselves.
    """
    if launcher.startswith("submitit"):
        from submitit.core.core import Job
        from submitit.core.utils import FailedJobError, UncompletedJobError

        def lost(error: Exception) -> list[JobReturn]:
            text = str(error).strip()
            if isinstance(error, FailedJobError):  # a trace between two rules
                trace = re.split(r"^-{3,}$", text, flags=re.M)[1:2] or [text]
                return [returned(trace[0].strip().rpartition("\n")[2])]
            state = text.partition("(state: ")[2].partition(")")[0]
            known = state in ("", "UNKNOWN", "FINISHED", "INTERRUPTED", "FAILED")
            return [returned(MEMORY if known else f"{KILLED} (Slurm says {state})")]

        with caught(Job, "results", UncompletedJobError, lost):
            yield
    elif launcher == "ray":
        import ray  # pyright: ignore[reportMissingImports]
        from ray import exceptions  # pyright: ignore[reportMissingImports]

        errors = (
            exceptions.WorkerCrashedError, exceptions.OutOfMemoryError, exceptions.NodeDiedError
        )  # fmt: skip
        with caught(ray, "get", errors, lambda error: returned(MEMORY)):
            yield
    else:
        yield


def returned(why: str) -> JobReturn:
    """A lost job's, as Hydra's launchers have them."""
    return JobReturn(status=JobStatus.COMPLETED, _return_value=Gone(why))


@contextmanager
def caught(
    owner: Any,
    name: str,
    errors: type[Exception] | tuple[type[Exception], ...],
    instead: Callable[[Exception], object],
) -> Iterator[None]:
    """Inside, a function returns something where it would raise one of the errors."""
    function = getattr(owner, name)

    def careful(*arguments: Any, **options: Any) -> Any:
        try:
            return function(*arguments, **options)
        except errors as error:
            return instead(error)

    setattr(owner, name, careful)
    try:
        yield
    finally:
        setattr(owner, name, function)
