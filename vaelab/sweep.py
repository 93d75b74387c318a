"""Launch the unfinished jobs of a sweep with the launcher that was asked for."""

import hashlib
import time
from pathlib import Path

from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.types import HydraContext

from vaelab.compose import Composer
from vaelab.errors import UserError
from vaelab.job import BUSY, Job, Task
from vaelab.run import Run


def launch(composer: Composer, tasks: list[Task]) -> None:
    """Run every task; those that another process is at are waited for, not started.

    What was interrupted there is then done here. A job of ours that failed is not tried again.
    """
    tried: set[Path] = set()
    while left := [task for task in tasks if task.folder not in tried and not task.done]:
        elsewhere = [Run(task.folder) for task in left if Run(task.folder).locked()]
        todo = [task for task in left if all(task.folder != run.folder for run in elsewhere)]
        if todo:
            busy = start(composer, todo)
            tried |= {task.folder for task in todo} - busy
        else:
            print(f"waiting for {len(elsewhere)} runs that another process is at", flush=True)
            while any(run.locked() for run in elsewhere):
                time.sleep(1.0)


def start(composer: Composer, tasks: list[Task]) -> set[Path]:
    """One pass of Hydra's launcher; the folders that another process had."""
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
    returned = plugin.launch(jobs, initial_job_idx=0)
    said = [one.return_value for one in returned]
    return {task.folder for task, word in zip(tasks, said, strict=True) if word == BUSY}


def _sweep_dir(tasks: list[Task]) -> str:
    """A literal: Hydra's interpolations would be evaluated anew in every child."""
    words = sorted(" ".join(task.overrides) for task in tasks)
    name = hashlib.sha256("\n".join(words).encode()).hexdigest()[:8]
    folder = Path(str(tasks[0].config["output_dir"])) / ".sweeps" / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made ({error.strerror}); set output_dir") from error
    quoted = folder.as_posix().replace("\\", "\\\\").replace("'", "\\'")
    return f"hydra.sweep.dir='{quoted}'"
