"""Launch the unfinished jobs of a sweep with the launcher that was asked for."""

import os
import time
from pathlib import Path

from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.types import HydraContext
from omegaconf import DictConfig

from vaelab import launchers, swept
from vaelab.compose import Composer
from vaelab.errors import UserError
from vaelab.job import Task
from vaelab.launched import BUSY, Job
from vaelab.reporting import live
from vaelab.run import Run
from vaelab.swept import Sweep


class Lost(UserError):
    """A launcher has not brought its jobs to an end; those that it has begun may go on."""

    status = 1


def launch(composer: Composer, tasks: list[Task]) -> None:
    """Run every task; those that another process is at are waited for, not started.

    What was interrupted there is then done here. A job of ours that failed is not tried again.
    """
    output_dir = Path(str(tasks[0].config["output_dir"]))
    folders, words = [task.folder for task in tasks], [task.overrides for task in tasks]
    sweep = swept.begin(output_dir, folders, words)
    tried: set[Path] = set()
    with sweep.held():
        while left := [task for task in tasks if task.folder not in tried and not task.done]:
            elsewhere = [Run(task.folder) for task in left if Run(task.folder).locked()]
            todo = [task for task in left if all(task.folder != run.folder for run in elsewhere)]
            if todo:
                busy = start(composer, todo, sweep)
                tried |= {task.folder for task in todo} - busy
            else:
                print(f"waiting for {len(elsewhere)} runs that another process is at", flush=True)
                while any(run.locked() for run in elsewhere):
                    time.sleep(1.0)


def start(composer: Composer, tasks: list[Task], sweep: Sweep) -> set[Path]:
    """One pass of Hydra's launcher; the folders that another process had."""
    hydra = [word for word in tasks[0].overrides if word.startswith("hydra")]
    launcher = chosen(composer.compose(hydra))
    share, ours = launchers.defaults(launcher, hydra, tasks[0].config, len(tasks))
    master = composer.compose([*hydra, *ours, sweep_dir(sweep)])
    core = GlobalHydra.instance().hydra
    assert core is not None
    apart = launcher in launchers.APART
    shown = live.shown(sweep) if apart else live.silent()
    job = Job(tasks, launcher, sweep, share, apart and live.on_a_terminal(), os.getpid())
    plugin = Plugins.instance().instantiate_launcher(
        hydra_context=HydraContext(core.config_loader, Callbacks(master)),
        task_function=job,
        config=master,
    )
    jobs = [[word for word in task.overrides if word not in hydra] for task in tasks]
    try:
        with shown:
            returned = plugin.launch(jobs, initial_job_idx=0)
    except Exception as error:  # not of a run: no cluster here, a worker killed, a job lost
        if not apart:
            raise
        why = str(error).strip().partition("\n")[0] or type(error).__name__
        raise Lost(f"hydra/launcher={launcher}: {why}; the same command goes on") from error
    said = [one.return_value for one in returned]
    return {task.folder for task, word in zip(tasks, said, strict=True) if word == BUSY}


def chosen(config: DictConfig) -> str:
    """The launcher's name."""
    return str(dict(config.hydra.runtime.choices)["hydra/launcher"])


def sweep_dir(sweep: Sweep) -> str:
    """A literal: Hydra's interpolations would be evaluated anew in every child."""
    quoted = sweep.folder.as_posix().replace("\\", "\\\\").replace("'", "\\'")
    return f"hydra.sweep.dir='{quoted}'"
