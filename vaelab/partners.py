"""The processes of one run: which of them this is, what they need, and what they leave behind.

Lightning starts those of one machine; those of several machines are started by whoever runs the
same command on each: torchrun, Slurm's srun, or a user who sets MASTER_ADDR, MASTER_PORT and
NODE_RANK. The first process has the run; the others train with it and write nothing.
"""

import importlib.util
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from vaelab.errors import UserError

ADDRESS = ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK")
LEFT_BEHIND = ("LOCAL_RANK", "WORLD_SIZE", *ADDRESS, "OMP_NUM_THREADS")
FOLLOWED = "VAELAB_RUN"  # the folder that further processes of one run work for
OBSERVER = "child-process-observer"  # Lightning's thread
GRACE = 10.0  # seconds that a process has to end by itself
Lightning = Mapping[str, Any]


class Lost(UserError):
    """Another process of this run has ended; training cannot go on without it."""


def several(lightning: Lightning) -> bool:
    """Whether a `lightning` option asks for several processes; `devices=auto` may mean them."""
    devices = lightning["devices"]
    if isinstance(devices, str):  # "2", or Lightning's way to write a list
        named = [one for one in devices.split(",") if one.strip()]
        one = devices.strip() == "1" or ("," in devices and len(named) == 1)
    else:
        one = devices == 1 or (isinstance(devices, list | tuple) and len(devices) == 1)
    return lightning["num_nodes"] > 1 or not one


def further(lightning: Lightning) -> bool:
    """Whether this is not the first process of a run whose processes others than us start."""
    return several(lightning) and rank_outside() > 0


def rank_outside() -> int:
    """This process's number, or its machine's, among those that others than us have started."""
    if under_torchrun():
        return int(os.environ["RANK"])
    if under_slurm():
        return int(os.environ["SLURM_PROCID"])
    return int(os.environ.get("NODE_RANK", "0")) or int(os.environ.get("LOCAL_RANK", "0"))


def under_torchrun() -> bool:
    """Whether torchrun has started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def under_slurm() -> bool:
    """Whether srun has started this process, in Lightning's judgement."""
    interactive = os.environ.get("SLURM_JOB_NAME") in ("bash", "interactive")
    return "SLURM_NTASKS" in os.environ and not interactive


def started_outside() -> bool:
    """Whether others than us start the processes of a run."""
    return under_torchrun() or under_slurm() or "NODE_RANK" in os.environ


def followed() -> bool:
    """Whether Lightning has started this process, for a run that another one here has."""
    return FOLLOWED in os.environ and int(os.environ.get("LOCAL_RANK", "0")) > 0


def check(config: Mapping[str, Any]) -> None:
    """Refuse what several processes cannot do, before they wait for each other.

    Raises:
        UserError: nobody says where the machines meet, or each would have a folder of its own.
    """
    lightning = config["lightning"]
    if under_torchrun():
        check_torchrun(lightning)
    if not several(lightning):
        return
    if lightning["strategy"] not in ("auto", "ddp"):
        raise UserError(
            f"lightning.strategy={lightning['strategy']}: every process has the whole model and "
            "gradients are averaged; choose lightning.strategy=ddp"
        )
    missing = [name for name in ADDRESS if name not in os.environ]
    if lightning["num_nodes"] > 1 and missing and not (under_torchrun() or under_slurm()):
        raise UserError(
            f"lightning.num_nodes={lightning['num_nodes']}: {', '.join(missing)} must be set on "
            "every machine (address and a free port of the first, 0, 1, ... for each), or start "
            "the command with torchrun or srun"
        )
    if config["fresh"] is True and started_outside():
        raise UserError(
            "fresh=true cannot be used with processes that are started one by one: each would "
            "take a folder of its own; name one for all, as in fresh=2"
        )
    if under_slurm():
        check_slurm(lightning)


def check_torchrun(lightning: Lightning) -> None:
    """Refuse another number of processes than the config asks for.

    Raises:
        UserError: in all of them.
    """
    devices = lightning["devices"]
    count = str(len(devices) if isinstance(devices, list | tuple) else devices)
    begun = int(os.environ["WORLD_SIZE"])
    if not count.isdigit() or int(count) * lightning["num_nodes"] == begun:
        return
    here = int(os.environ["LOCAL_WORLD_SIZE"])
    raise UserError(
        f"torchrun has started {begun} processes, and this run is for "
        f"{int(count) * lightning['num_nodes']}: set lightning.devices={here}"
        + (f" lightning.num_nodes={begun // here}" if begun > here else "")
    )


def check_slurm(lightning: Lightning) -> None:
    """Refuse tasks and nodes of a Slurm job that are not those of the config.

    Raises:
        UserError: in Lightning's words.
    """
    from lightning_fabric.plugins.environments.slurm import SLURMEnvironment

    devices = lightning["devices"]
    count = len(devices) if isinstance(devices, list | tuple) else devices
    try:
        environment = SLURMEnvironment(auto_requeue=False)
        if str(count).isdigit():
            environment.validate_settings(int(count), lightning["num_nodes"])
    except (RuntimeError, ValueError) as error:
        raise UserError(f"lightning.devices={devices}: {error}") from error


APART = "start each run by itself, or let hydra/launcher=submitit_slurm start them"


def check_sweep(lightning: Lightning, what: str = "-m", instead: str = APART) -> None:
    """Refuse what is more, or less, than one run in processes that are started together.

    Raises:
        UserError: they could not agree on what is left to do.
    """
    if (several(lightning) and started_outside()) or outnumbered():
        raise UserError(
            f"{what} cannot be used with processes that are started one by one: {instead}"
        )


def outnumbered() -> bool:
    """Whether torchrun has started more processes than this one."""
    return under_torchrun() and int(os.environ["WORLD_SIZE"]) > 1


def plugins() -> list[Any]:
    """What Lightning must be told of the cluster: runs are requeued and go on by our own means."""
    if under_torchrun() or not under_slurm():
        return []
    from lightning_fabric.plugins.environments.slurm import SLURMEnvironment

    return [SLURMEnvironment(auto_requeue=False)]


@contextmanager
def together(lightning: Lightning) -> Iterator[None]:
    """A run of several processes inside; afterwards this process is free for another run.

    Raises:
        Lost: another process of the run has ended.
    """
    if not several(lightning):
        yield
        return
    import torch
    import torch.distributed as dist

    from vaelab import distributed

    before = {name: os.environ.get(name) for name in LEFT_BEHIND}
    # Lightning would choose a number of its own, here and in the processes that it starts.
    os.environ["OMP_NUM_THREADS"] = str(torch.get_num_threads())
    if started_outside() and not followed():
        where = ":".join(os.environ.get(name, "?") for name in ADDRESS[:2])
        if rank_outside() == 0 or not (under_torchrun() or under_slurm()):
            print(f"waiting for the other processes of this run at {where}", flush=True)
    try:
        with command_line():
            yield
    except RuntimeError as error:
        if not (isinstance(error, dist.DistError) or "gloo" in str(error)):
            raise
        raise Lost(
            "another process of this run has ended, or cannot be reached "
            f"({' '.join(str(error).split())[:160]}); the same command goes on from the last "
            "checkpoint"
        ) from error
    finally:
        distributed.leave()
        let_go()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def command_line() -> Iterator[None]:
    """Let further processes be `vaelab train`, which follows (vaelab.runs.job.follow).

    Lightning repeats this process's own command, which may be another one of ours, a worker of
    joblib or Ray, or a job of submitit that would wait for the place that this one has.
    """
    main = sys.modules["__main__"]
    words, spec = sys.argv, main.__spec__
    sys.argv = ["vaelab", "train"]
    main.__spec__ = importlib.util.find_spec("vaelab.__main__")
    try:
        yield
    finally:
        sys.argv, main.__spec__ = words, spec


def let_go() -> None:
    """See the processes that Lightning has started here to their end.

    Its observer would kill this process too where one of them has failed; the run says so itself,
    and other runs of a sweep are still to come.
    """
    for thread in threading.enumerate():
        if thread.name != OBSERVER:
            continue
        started: list[subprocess.Popen[bytes]] = getattr(thread, "_child_processes", [])
        ours = list(started)
        started.clear()
        for process in ours:
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
