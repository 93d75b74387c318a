"""Launch the unfinished jobs of a sweep with the launcher that was asked for."""

import hashlib
import time
from pathlib import Path

from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.types import HydraContext

from vaelab.compose import Composer
from vaelab.job import Job, Task
from vaelab.run import Run


def launch(composer: Composer, tasks: list[Task]) -> None:
    """Run every task; those that another process is training are waited for, not started.

    What was interrupted there is then done here. A job of ours that failed is not tried again.
    """
    tried: set[Path] = set()
    while True:
        runs = {task.folder: Run(task.folder) for task in tasks}
        status = {folder: run.status for folder, run in runs.items()}
        todo = [
            task
            for task in tasks
            if status[task.folder] != "running" and task.folder not in tried and not task.done
        ]
        if todo:
            start(composer, todo)
            tried |= {task.folder for task in todo if not runs[task.folder].locked()}
        elif "running" in status.values():
            busy = [run for folder, run in runs.items() if status[folder] == "running"]
            print(f"waiting for {len(busy)} runs that another process is training", flush=True)
            while any(run.locked() for run in busy):
                time.sleep(1.0)
        else:
            return


def start(composer: Composer, tasks: list[Task]) -> None:
    """One pass of Hydra's launcher."""
    hydra = [word for word in tasks[0].overrides if word.startswith("hydra")]
    master = composer.compose([*hydra, _sweep_dir(tasks)])
    launcher = str(dict(master.hydra.runtime.choices)["hydra/launcher"])
    core = GlobalHydra.instance().hydra
    assert core is not None
    plugin = Plugins.instance().instantiate_launcher(
        hydra_context=HydraContext(core.config_loader, Callbacks(master)),
        task_function=Job(tasks, launcher),
        config=master,
    )
    jobs = [[word for word in task.overrides if word not in hydra] for task in tasks]
    plugin.launch(jobs, initial_job_idx=0)


def _sweep_dir(tasks: list[Task]) -> str:
    """A literal: Hydra's interpolations would be evaluated anew in every child."""
    words = sorted(" ".join(task.overrides) for task in tasks)
    name = hashlib.sha256("\n".join(words).encode()).hexdigest()[:8]
    folder = (Path(str(tasks[0].config["output_dir"])) / ".sweeps" / name).as_posix()
    quoted = folder.replace("\\", "\\\\").replace("'", "\\'")
    return f"hydra.sweep.dir='{quoted}'"
