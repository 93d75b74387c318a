"""Launch the unfinished jobs of a sweep with the launcher that was asked for."""

import os
import sys
import time
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.types import HydraContext
from omegaconf import DictConfig

from vaelab.composing.compose import Composer
from vaelab.errors import UserError, one_line
from vaelab.reporting import live
from vaelab.runs.job import Task
from vaelab.runs.run import Run
from vaelab.sweeps import killed, launchers
from vaelab.sweeps import sweep as swept
from vaelab.sweeps.job import BUSY, Job
from vaelab.sweeps.launchers import Share
from vaelab.sweeps.sweep import Sweep


class Lost(UserError):
    """A launcher has not begun its jobs."""

    status = 1


@dataclass(frozen=True)
class Plan:
    """How a sweep is launched, the same for all its passes: workers keep their places.

    Attributes:
        words: settings of the launcher.
    """

    sweep: Sweep
    launcher: str
    share: Share
    words: list[str]

    @property
    def apart(self) -> bool:
        """Whether jobs have processes of their own."""
        return launchers.apart(self.launcher, self.share)


@dataclass(frozen=True)
class Ended:
    """What has become of jobs that were launched; another process had those in none of these.

    Attributes:
        over: folders of those that have come to an end.
        cut: of those that may have been killed only because another one was.
        lost: of those that were killed, with the reason.
    """

    over: set[Path] = field(default_factory=set)
    cut: set[Path] = field(default_factory=set)
    lost: dict[Path, str] = field(default_factory=dict)


def launch(composer: Composer, tasks: list[Task]) -> None:
    """Run every task; those that another process is at are waited for, not started.

    What was interrupted there is then done here. A job of ours that failed is not tried again. One
    that is killed takes along all that joblib has beside it, and nobody says which it was: when the
    others are done, those are tried half as many at a time, and in the end alone.
    """
    left = [task for task in tasks if not task.done]
    if not left:
        return
    left.sort(key=killed.before)
    plan = planned(composer, tasks, left)
    tried: set[Path] = set()
    lost: dict[Path, str] = {}
    beside = {task.folder: plan.share.jobs for task in left}  # how many at once it may be tried in
    with plan.sweep.held():
        while left := [task for task in left if task.folder not in tried and not task.done]:
            gone = [task for task in left if task.folder in lost]
            if marked := {one.folder for one in gone if killed.mark(one, lost[one.folder])}:
                tried |= marked
                continue
            elsewhere = [Run(task.folder) for task in left if Run(task.folder).locked()]
            todo = [task for task in left if all(task.folder != run.folder for run in elsewhere)]
            if not todo:
                print(f"waiting for {len(elsewhere)} runs that others seem to be at", flush=True)
                while any(run.locked() for run in elsewhere):
                    time.sleep(1.0)
                continue
            jobs = max(beside[task.folder] for task in todo)
            todo = [task for task in todo if beside[task.folder] == jobs]
            if jobs == 1 < plan.share.jobs:
                todo = todo[:1]
            ended = start(composer, todo, plan, jobs)
            tried |= ended.over
            lost |= ended.lost
            beside |= dict.fromkeys(ended.cut, max(1, jobs // 2))
            if not (ended.over or ended.lost or ended.cut):
                time.sleep(1.0)  # all were taken by others in the meantime


def planned(composer: Composer, tasks: list[Task], left: list[Task]) -> Plan:
    """The sweep of all tasks, launched for those that are left."""
    hydra = [word for word in tasks[0].overrides if word.startswith("hydra")]
    launcher = chosen(composer.compose(hydra))
    share, ours = launchers.defaults(launcher, hydra, tasks[0].config, len(left))
    output_dir = Path(str(tasks[0].config["output_dir"]))
    folders, words = [task.folder for task in tasks], [task.overrides for task in tasks]
    sweep = swept.begin(output_dir, folders, words)
    return Plan(sweep, launcher, share, [*hydra, *ours, sweep_dir(sweep)])


def start(composer: Composer, tasks: list[Task], plan: Plan, jobs: int) -> Ended:
    """One pass of Hydra's launcher, so many jobs at once.

    Raises:
        Lost: none was begun.
    """
    before = killed.begun(tasks)
    words = plan.words
    if plan.launcher == "joblib" and plan.apart:  # which trains in this process with one
        words = [*words, f"hydra.launcher.n_jobs={max(2, jobs)}"]
    try:
        said = returned(composer, tasks, plan, words)
    except Exception as error:  # not of a run: no cluster here, no memory for a worker
        if not plan.apart:
            raise
        now = killed.begun(tasks)
        begun = [task for task in tasks if now.get(task.folder) != before.get(task.folder)]
        why = failure(plan, error)
        if not begun:
            raise why from error
        if isinstance(error, BrokenProcessPool):
            return broken(begun, alone=min(jobs, len(tasks)) == 1)
        complain(str(why))
        return Ended({task.folder for task in tasks})
    words_of = dict(zip([task.folder for task in tasks], said, strict=True))
    lost = {path: word.why for path, word in words_of.items() if isinstance(word, killed.Gone)}
    if len(lost) == len(tasks) and killed.begun(tasks) == before:
        raise failure(plan, next(iter(lost.values())))
    return Ended({path for path in words_of if words_of[path] != BUSY} - set(lost), lost=lost)


def broken(begun: list[Task], alone: bool) -> Ended:
    """What has become of the jobs that were begun in a pool of which a worker was killed."""
    cut = {task.folder for task in begun if killed.cut(task)}
    over = {task.folder for task in begun if not Run(task.folder).locked()} - cut
    if alone:
        return Ended(over, lost=dict.fromkeys(cut, killed.MEMORY))
    complain(f"a worker was killed; {len(cut)} runs are tried again, apart from the others")
    return Ended(over, cut)


def returned(composer: Composer, tasks: list[Task], plan: Plan, words: list[str]) -> list[object]:
    """What each job has returned."""
    master = composer.compose(words)
    core = GlobalHydra.instance().hydra
    assert core is not None
    shown = live.shown(plan.sweep) if plan.apart else live.silent()
    quiet = plan.apart and live.on_a_terminal()
    job = Job(tasks, plan.launcher, plan.sweep, plan.share, quiet, os.getpid())
    plugin = Plugins.instance().instantiate_launcher(
        hydra_context=HydraContext(core.config_loader, Callbacks(master)),
        task_function=job,
        config=master,
    )
    jobs = [[word for word in task.overrides if not word.startswith("hydra")] for task in tasks]
    with shown, killed.told(plan.launcher):
        found: list[JobReturn] = list(plugin.launch(jobs, initial_job_idx=0))
    return [value(one) for one in found]


def value(job: JobReturn) -> object:
    """What a job has returned; what it has raised is said, and ends no other."""
    error = job._return_value
    if job.status != JobStatus.FAILED or not isinstance(error, Exception):
        return job.return_value
    if os.environ.get("VAELAB_TRACEBACK"):
        raise error
    complain(str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}")
    return None


def failure(plan: Plan, error: Exception | str) -> Lost:
    """What a launcher says, as ours."""
    why = str(error).strip().partition("\n")[0] or type(error).__name__
    return Lost(f"hydra/launcher={plan.launcher}: {why}; the same command goes on")


def complain(text: str) -> None:
    """Say it beside the results."""
    print(f"vaelab: {one_line(text)}", file=sys.stderr, flush=True)


def chosen(config: DictConfig) -> str:
    """The launcher's name."""
    return str(dict(config.hydra.runtime.choices)["hydra/launcher"])


def sweep_dir(sweep: Sweep) -> str:
    """A literal: Hydra's interpolations would be evaluated anew in every child."""
    quoted = sweep.folder.as_posix().replace("\\", "\\\\").replace("'", "\\'")
    return f"hydra.sweep.dir='{quoted}'"
