"""What Hydra's launchers are told unless the user says otherwise: jobs, cores, GPUs, time."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vaelab.composing.hydra_launchers import EXTRAS
from vaelab.errors import UserError
from vaelab.threads import available

APART = frozenset(EXTRAS)  # launchers whose jobs have processes of their own; see `apart`
A_YEAR = 525_600  # minutes; Hydra's default ends a job of this machine after an hour
REQUEUED = 1000  # times; each goes on from the checkpoint of the one before
Config = Mapping[str, Any]


@dataclass(frozen=True)
class Share:
    """What one job may use of the machine it shares with others.

    Attributes:
        jobs: how many there may be side by side.
        threads: for each; None where the launcher gives a job a machine, or a part, of its own.
        devices: CUDA_VISIBLE_DEVICES of each place; empty where nothing is to be handed out.
    """

    jobs: int = 1
    threads: int | None = None
    devices: tuple[str, ...] = ()


def defaults(
    launcher: str, given: Sequence[str], config: Config, tasks: int
) -> tuple[Share, list[str]]:
    """A job's share, and what Hydra is to be told besides what was `given`.

    Args:
        launcher: its name.
        given: the user's own settings of it, as typed.
        config: of the tasks, whose devices and threads are taken to be alike.
        tasks: how many there are.

    Raises:
        UserError: it cannot be said how many devices a job needs, or they are chosen already.
    """
    typed = {word.partition("=")[0]: word.partition("=")[2] for word in given}
    if launcher not in APART:
        return Share(), []
    each = processes(config, launcher)
    if launcher == "submitit_slurm":
        wanted = {
            "nodes": config["lightning"].get("num_nodes", 1),
            "tasks_per_node": each,  # srun starts the processes of a run
            "gpus_per_node": each if wants_gpu(config) else None,
            "cpus_per_task": max(2, config["threads"] or 0),  # one more than computes: autograd's
            "max_num_timeout": REQUEUED,
        }
        return Share(), settings(wanted, typed)
    gpus = visible(config)
    places = len(gpus) // each if gpus else available() // (each * (config["threads"] or 1))
    jobs = max(1, places)
    if launcher == "joblib":
        asked = typed.get("hydra.launcher.n_jobs", "")
        if asked.lstrip("-").isdigit() and int(asked):
            jobs = int(asked) if int(asked) > 0 else max(1, available() + 1 + int(asked))
    needed = min(jobs, tasks)
    threads = max(1, available() // (needed * each))
    if launcher == "ray":
        wanted = {"ray.remote.num_cpus": threads * each, "ray.remote.num_gpus": each if gpus else 0}
        return Share(needed), settings(wanted, typed)
    # joblib would train in this process if told of one job; a last one shall have a worker too.
    jobs = max(needed, min(jobs, 2)) if launcher == "joblib" else needed
    groups = [",".join(gpus[n : n + each]) for n in range(0, len(gpus) - each + 1, each)]
    share = Share(jobs, threads, tuple(groups[n % len(groups)] for n in range(jobs) if groups))
    if launcher == "joblib":
        return share, [f"hydra.launcher.n_jobs={jobs}"]
    return share, settings({"timeout_min": A_YEAR}, typed)


def apart(launcher: str, share: Share) -> bool:
    """Whether jobs have processes of their own."""
    return launcher in APART and not (launcher == "joblib" and share.jobs == 1)


def settings(wanted: Mapping[str, object], typed: Mapping[str, str]) -> list[str]:
    """As overrides of the launcher, but for those that the user has typed."""
    names = {f"hydra.launcher.{name}": value for name, value in wanted.items()}
    return [f"{k}={v}" for k, v in names.items() if v is not None and k not in typed]


def processes(config: Config, launcher: str) -> int:
    """Processes, and devices, of one job.

    Raises:
        UserError: GPUs are named, which the launcher hands out; or all are asked for, and it is
            not known here how many there are where jobs run.
    """
    devices = config["lightning"].get("devices", 1)
    if isinstance(devices, str):  # as Lightning reads it
        named = [one for one in devices.split(",") if one.strip()]
        numeral = devices.strip().removeprefix("-").isdecimal()
        devices = named if "," in devices else int(devices) if numeral else devices
    if isinstance(devices, list | tuple):
        if wants_gpu(config):
            numbers = ",".join(map(str, devices))
            raise UserError(
                f"lightning.devices=[{numbers}]: hydra/launcher={launcher} chooses a job's GPUs; "
                f"set lightning.devices={len(devices)}; CUDA_VISIBLE_DEVICES says which there are"
            )
        return max(1, len(devices))
    if isinstance(devices, int) and devices > 0:
        return devices
    if wants_gpu(config) and launcher == "submitit_slurm":
        raise UserError(
            f"lightning.devices={devices}: the GPUs of the cluster's machines are not known here; "
            "set lightning.devices=N, of each machine"
        )
    return max(1, len(visible(config)))


def wants_gpu(config: Config) -> bool:
    """Whether a job would use a GPU where there is one."""
    return config["lightning"].get("accelerator") in ("auto", "gpu", "cuda")


def visible(config: Config) -> list[str]:
    """Names of the CUDA devices that jobs may be given, as CUDA_VISIBLE_DEVICES has them."""
    if not wants_gpu(config):
        return []
    import torch

    if not torch.cuda.is_available():
        return []
    names = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    count = torch.cuda.device_count()
    return [one.strip() for one in names.split(",")] if names else [str(n) for n in range(count)]
