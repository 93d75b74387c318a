"""Runs that are killed at a chosen moment, each in a process of its own (for test_resume)."""

import os
import signal
import sys
from pathlib import Path

import small
import torch

from vaelab import checkpoint
from vaelab.batches import Blocks
from vaelab.callback.checkpointing import Checkpointing
from vaelab.task import Task


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def before_update(number: int) -> None:
    """Die before update `number` of this process."""
    update, made = Task.update, []

    def dying(task, step):
        if len(made) == number:
            kill()
        made.append(step)
        update(task, step)

    Task.update = dying


def at_write(number: int) -> None:
    """Die when file `number` has been written aside and not yet renamed."""
    replace, made = os.replace, []

    def dying(source, target):
        made.append(target)
        if len(made) == number:
            kill()
        replace(source, target)

    checkpoint.os.replace = dying


def in_validation(number: int) -> None:
    """Die when the validation of epoch `number` begins."""
    step = Task.validation_step

    def dying(task, *arguments):
        if task.progress.epoch == number:
            kill()
        step(task, *arguments)

    Task.validation_step = dying


def never(number: int) -> None:
    """Live."""


MOMENTS = {f.__name__: f for f in (before_update, at_write, in_validation, never)}


def run(folder: str, overrides: list[str], moment: str, number: int, every: float) -> None:
    """Train until the moment comes, with a checkpoint every so many seconds."""
    torch.set_num_threads(1)
    Blocks.size = lambda self: 1
    Checkpointing.__init__.__defaults__ = (every, every)
    MOMENTS[moment](number)
    try:
        small.train(Path(folder), small.config(*overrides))
    except BaseException as error:
        print(repr(error), file=sys.stderr)
        os._exit(1)
    os._exit(0)
