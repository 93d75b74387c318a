"""What Hydra's launchers call: one run of a sweep, with its share of the machine."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from vaelab.reporting.runs import group
from vaelab.runs.job import Task, die_with, evaluate, train
from vaelab.runs.run import Busy, Run
from vaelab.sweeps import slots
from vaelab.sweeps.launchers import Share, apart
from vaelab.sweeps.requeue import requeued
from vaelab.sweeps.sweep import Sweep

BUSY = "busy"


@dataclass(frozen=True)
class Job:
    """Called with the number of a task; also in other processes, today or in another allocation.

    How it went is in the run's results.json. Returns BUSY where another process had it.

    Attributes:
        tasks: those that are launched now.
        launcher: by what.
        sweep: all that was planned.
        share: what each may use.
        quiet: whether somebody else shows how it goes.
        parent: the process that launched it.
    """

    tasks: list[Task]
    launcher: str
    sweep: Sweep
    share: Share
    quiet: bool
    parent: int

    def __call__(self, hydra: DictConfig) -> str | None:
        """Train one task of a sweep; its outcome is in its results.json."""
        task = self.tasks[HydraConfig.get().job.num]
        number = [cell.folder for cell in self.sweep.cells].index(task.folder)
        label = f"[{number + 1}/{len(self.sweep.cells)}]"
        words = " ".join(one for one in task.overrides if not one.startswith("hydra"))
        with self.settled(), requeued():
            state = "" if apart(self.launcher, self.share) else f" ({group(self.sweep).line()})"
            print(f"{label} {words}{state}", flush=True)
            wait_for_silence(Run(task.folder))
            try:
                train(task, label if self.several else "")
                evaluate(task)
            except Busy as error:
                print(f"vaelab: {error}", flush=True)
                return BUSY
        return None

    @property
    def several(self) -> bool:
        """Whether others are trained beside it on its machine."""
        alone = self.share.threads is None or self.share.jobs == 1
        return apart(self.launcher, self.share) and not alone

    @contextmanager
    def settled(self) -> Iterator[None]:
        """Its place, cores and GPUs; what it prints goes nowhere where a table is shown."""
        if os.getpid() == self.parent:
            yield
            return
        if self.launcher == "joblib":  # elsewhere jobs shall outlive who launched them
            die_with(self.parent)
        if self.share.threads is not None:
            os.environ.setdefault("OMP_NUM_THREADS", str(self.share.threads))
        if self.launcher in ("joblib", "submitit_local"):
            place = slots.take(self.sweep.folder, self.share.jobs)
            if self.share.devices and place is not None:
                os.environ["CUDA_VISIBLE_DEVICES"] = self.share.devices[place]
        with Path(os.devnull).open("w") as nowhere:
            with redirect_stdout(nowhere if self.quiet else sys.stdout):
                yield


def wait_for_silence(run: Run) -> None:
    """Wait while a heartbeat of another machine alone says that somebody is at a run.

    Who launched this job has seen nobody, or Slurm has moved it here from a machine that is gone.
    """
    if not run.held() and (host := run.elsewhere()):
        print(f"waiting until {run} is not heard of on {host} any more", flush=True)
        while not run.held() and run.elsewhere():
            time.sleep(1.0)
