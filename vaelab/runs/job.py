"""One run from lock to result, in this process or in one that a launcher has started."""

import logging
import os
import signal
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.hydra_config import HydraConfig

from vaelab import partners
from vaelab.errors import Interrupted, Pruned, UserError, one_line
from vaelab.runs import own_files
from vaelab.runs import run as runs
from vaelab.runs.evaluated import Wanted
from vaelab.runs.heartbeat import beating
from vaelab.runs.run import Run
from vaelab.threads import choose, use

if TYPE_CHECKING:  # takes seconds to import
    from pytorch_lightning import Callback

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """A validated config, its folder and what was typed for it.

    Attributes:
        wanted: evaluations that the run must have besides; a run of the same identity may have
            ended with another, and several rows of a table may be epochs of one run.
    """

    config: dict[str, Any]
    folder: Path
    overrides: list[str]
    wanted: tuple[Wanted, ...] = ()

    @property
    def done(self) -> bool:
        """Whether nothing is left to do for it."""
        run = Run(self.folder)
        if run.status not in runs.FINAL:
            return False
        return not any(one.missing(run) for one in self.wanted)


def train(task: Task, beside: str = "", label: str = "", extra: Iterable["Callback"] = ()) -> Run:
    """Train a run that is not finished; afterwards its status says how it went.

    Args:
        task: what to train.
        beside: the run's label where others are trained beside it, on the same machine and
            terminal; empty when it is alone.
        label: the same where it is alone.
        extra: callbacks that come after training's own.

    Raises:
        Busy: another process is training it.
        KeyboardInterrupt: it was asked to stop, and can be resumed.
    """
    run = Run(task.folder)
    if partners.further(task.config["lightning"]):  # the first process has the lock
        if run.status not in runs.FINAL:
            follow(task.folder, task.config)
        return run
    with run.lock():
        if run.status in runs.FINAL:  # another process finished it between the plan and the lock
            return run
        run.write_config(task.config, task.overrides)
        run.update(status="running", reason=None)  # at once: what was said before is over
        # Lightning starts DDP's other processes with this command line and Hydra's additions to
        # it, if it believes to be inside Hydra.
        HydraConfig.instance().cfg = None
        os.environ[partners.FOLLOWED] = str(run.folder.resolve())
        with run.logged(), beating(run.folder):
            attempt(run, task.config, beside, label, extra)
    return run


def evaluate(task: Task) -> None:
    """Evaluate a finished run in every way that is wanted and missing.

    Raises:
        Busy: another process is at it.
    """
    run = Run(task.folder)
    alone = not partners.further(task.config["lightning"])
    if task.done or run.status not in runs.FINAL or not alone:
        return
    with run.lock(), run.logged(), beating(run.folder):
        if task.done:  # another process did it while this one waited its turn
            return
        if run.read().get("evaluation_failed"):
            run.update(evaluation_failed=None)
        use(choose(task.config["threads"] or run.read().get("threads")))
        faults = [fault for one in task.wanted if one.missing(run) and (fault := make(one, run))]
        run.update(evaluation_failed="; ".join(faults) or None)


def make(wanted: Wanted, run: Run) -> str:
    """One evaluation; why it failed, if it did."""
    from vaelab.evaluation.run import evaluate_run

    print(f"evaluating {run}", flush=True)
    try:
        own_files.check(run, wanted.config)
        evaluate_run(run, wanted.config)
    except Exception as error:  # one cell must not stop the others
        log.exception("evaluation failed")
        why = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        print(f"vaelab: {run}: {one_line(why)} (see {run.log})", flush=True)
        return why
    return ""


def attempt(
    run: Run, config: dict[str, Any], beside: str, label: str, extra: Iterable["Callback"]
) -> None:
    """Train and record the outcome."""
    from rich.console import Console

    from vaelab.build import check_devices, device_name
    from vaelab.fit import fit

    # A resumed run keeps its number: sums on a CPU differ in the last bit with it.
    before = run.read().get("threads") if run.checkpoints.is_dir() else None
    several = bool(beside) or partners.several(config["lightning"])
    threads = choose(config["threads"] or before, several)
    use(threads)
    log.info("process %d, %d threads", os.getpid(), threads)
    run.update(status="running", reason=None, threads=threads, device=device_name(config))
    try:
        own_files.begin(run, config)
        check_devices(config)
        partners.check(config)
        # Lines of several runs would be rewritten over each other.
        console = Console(force_terminal=False if beside else None)
        with partners.together(config["lightning"]):
            fit(config, run, console, beside or label, *extra)
    except (Interrupted, KeyboardInterrupt) as error:
        run.update(status="interrupted", reason=str(error) or None)
        raise KeyboardInterrupt from error
    except Pruned as error:
        run.update(status="pruned", reason=str(error))
    except UserError as error:
        log.error("%s", error)
        run.update(status="failed", reason=str(error))
    except Exception as error:
        log.exception("training failed")
        run.update(status="failed", reason=f"{type(error).__name__}: {error}")
        if os.environ.get("VAELAB_TRACEBACK"):
            raise
    else:
        if run.read().get("status") == "running":
            run.update(status="complete")


def follow(folder: str | Path, config: dict[str, Any] | None = None) -> int:
    """The part of a further process of a run (DDP): train with the first, write and say nothing.

    Args:
        folder: of the run.
        config: validated; None in a process that the first one has started on its machine.
    """
    from rich.console import Console

    from vaelab.distributed import world_size
    from vaelab.fit import fit

    if config is None and "WORLD_SIZE" in os.environ:
        die_with(os.getppid())  # else it might wait for it
    run = Run(Path(folder), writable=False)
    if config is None:
        config = run.config
    else:  # it may start others
        os.environ[partners.FOLLOWED] = str(run.folder.resolve())
    use(choose(config["threads"], several=True))
    try:
        with partners.together(config["lightning"]):
            try:
                fit(config, run, Console(quiet=True))
            except UserError:
                if world_size() == 1:  # else all of them have met it
                    raise
    except (Interrupted, partners.Lost):
        pass  # the first process says so
    return 0


def die_with(parent: int) -> None:
    """End this process when its parent has gone: joblib's workers outlive a killed parent."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
