"""Checkpoints: everything a run needs to go on as if it had never stopped, or to be evaluated.

Plain tensors, numbers and strings only, so that they load without running code
(`weights_only=True`). Files are written aside and renamed: a killed process leaves the old one.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.callbacks import Callback

from vaelab import __version__, distributed
from vaelab.errors import UserError
from vaelab.progress import Progress
from vaelab.task import Task

FORMAT = 1
COUNTS = ("examples", "encoder_passes", "decoder_passes")  # of progress: each process's own
Content = dict[str, Any]


def snapshot(task: Task, callbacks: list[Callback], shares: Sequence[Content] = ()) -> Content:
    """The state of training: model, optimisers, strategy, callbacks, position in the epoch.

    `shares` are those of all processes, where there are several.
    """
    return ({"shares": list(shares)} if len(shares) > 1 else {}) | {
        "format": FORMAT,
        "vaelab": __version__,
        "model": task.state_dict(),
        "optimizers": {name: opt.state_dict() for name, opt in task.steppers.items()},
        "callbacks": {type(c).__name__: state for c in callbacks if (state := c.state_dict())},
        "progress": asdict(task.progress),
        "sums": task.sums,
        "learning_rate": dict(task.rates.schedule.state),
    }


def restore(content: Content, task: Task, callbacks: list[Callback]) -> None:
    """Put a snapshot back; the task must be on its device with its optimisers made."""
    task.load_state_dict(content["model"])
    for name, state in content["optimizers"].items():
        task.steppers[name].load_state_dict(state)
    for callback in callbacks:
        if (state := content["callbacks"].get(type(callback).__name__)) is not None:
            callback.load_state_dict(state)
    task.progress = Progress(**content["progress"])
    found, world = shares(content), distributed.world_size()
    if len(found) == world:
        take(found[distributed.rank()], task)
    else:  # sums over all examples: it does not matter who has them
        take(added(found, task) if distributed.rank() == 0 else nothing(task), task)
    task.rates.schedule.state.update(content.get("learning_rate", {}))


def share(task: Task) -> Content:
    """What this process alone knows: sums over its examples of the epoch, and passes made."""
    own = task.inference.get_extra_state()
    return {
        "sums": task.sums.cpu(),
        "progress": {name: getattr(task.progress, name) for name in COUNTS},
        "strategy": {name: own[name] for name in task.inference.sums_over_examples},
    }


def shares(content: Content) -> list[Content]:
    """Those of a checkpoint's processes, by rank; of one process, or of an older vaelab, one."""
    alone = {"sums": content["sums"], "progress": {}, "strategy": {}}
    return content.get("shares") or [alone]


def take(one: Content, task: Task) -> None:
    """Go on from a share."""
    task.sums.copy_(one["sums"])
    for name, value in one["progress"].items():
        setattr(task.progress, name, value)
    if one["strategy"]:
        task.inference.set_extra_state(one["strategy"])


def nothing(task: Task) -> Content:
    """The share of a process that has done nothing yet."""
    return {
        "sums": torch.zeros_like(task.sums),
        "progress": dict.fromkeys(COUNTS, 0),
        "strategy": dict.fromkeys(task.inference.sums_over_examples),
    }


def added(found: Sequence[Content], task: Task) -> Content:
    """One share for all."""
    if len(found) == 1:
        return found[0]
    strategy = {}
    for name in task.inference.sums_over_examples:
        parts = [one["strategy"][name] for one in found if one["strategy"][name] is not None]
        strategy[name] = [sum(column) for column in zip(*parts, strict=True)] or None
    return {
        "sums": torch.stack([one["sums"] for one in found]).sum(0),
        "progress": {name: sum(one["progress"][name] for one in found) for name in COUNTS},
        "strategy": strategy,
    }


def write(content: Content, path: Path) -> None:
    """Save atomically: under a name of this process, then renamed over the old file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        torch.save(content, aside)
        os.replace(aside, path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error


def read(path: Path, device: torch.device | str = "cpu") -> Content:
    """Load a checkpoint's content.

    Raises:
        UserError: the file is missing, damaged, or of another format.
    """
    try:
        content = torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError:
        raise UserError(f"no checkpoint at {path}: train the run first") from None
    except Exception as error:  # torch.load raises whatever the damage makes of the file
        raise UserError(
            f"{path} cannot be read as a checkpoint ({type(error).__name__}); delete it, or start "
            "again beside it with fresh=true"
        ) from error
    if not isinstance(content, Mapping) or content.get("format") != FORMAT:
        raise UserError(f"{path} is not a vaelab checkpoint of format {FORMAT}")
    return dict(content)


def load_model(task: Task, path: Path) -> int:
    """Load a checkpoint's weights and strategy state into a task; returns the epoch it is from.

    Raises:
        UserError: unreadable, or made by another architecture.
    """
    content = read(path)
    try:
        missing, unexpected = task.load_state_dict(content["model"], strict=False)
        # Another strategy than training's (vaelab evaluate RUN trainer=...) has its own state.
        if wrong := [name for name in missing + unexpected if not name.startswith("inference.")]:
            raise KeyError(", ".join(wrong))
    except (RuntimeError, KeyError) as error:
        raise UserError(f"{path} does not fit this run's config: {first_line(error)}") from error
    return int(content["progress"]["epoch"])


def first_line(error: BaseException) -> str:
    """The first line of what went wrong."""
    return (str(error).splitlines() or [type(error).__name__])[0]
