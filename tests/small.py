"""A small run in this process, for tests of training: real parts, tiny sizes."""

from pathlib import Path

import torch
from rich.console import Console

from vaelab import assemble, fit
from vaelab.build import build
from vaelab.composing.compose import Composer
from vaelab.composing.validate import validate
from vaelab.dataset.base import Binarised, Split, Splits
from vaelab.runs.run import Run
from vaelab.seeding import seed_noise
from vaelab.sweeps.plan import container
from vaelab.task import Task

SMALL = (
    "architecture.latent_dim=3", "architecture.hidden=[12]", "batch_size=32", "epochs=3",
    "lightning=cpu", "evaluation.samples=4", "evaluation.examples=20",
)  # fmt: skip


def config(*overrides: str) -> dict:
    """The validated config of a small run on digits."""
    return validate(container(Composer().cells([*SMALL, *overrides])[0]))


def splits(train: int = 100, valid: int = 50) -> Splits:
    """Grey 8x8 images that are binarised at every use."""
    x = torch.rand(train + 2 * valid, 1, 8, 8, generator=torch.Generator().manual_seed(3))
    parts = x.split([train, valid, valid])
    read = Binarised()
    return Splits(*(Split(part, read) for part in parts))


def make_task(settings: dict, data: Splits | None = None) -> Task:
    """A task as fit makes it, with its optimisers, outside Lightning."""
    seed_noise(assemble.CPU, settings["seed"], "init")
    parts = build(settings)
    data = data or splits()
    parts.trainer.prepare(data.train, fresh=True)
    task = assemble.make_task(settings, parts, data)
    task.configure_optimizers()
    return task


def train(folder: Path, settings: dict, data: Splits | None = None, extra: tuple = ()) -> Task:
    """Train (or go on) in a folder, without evaluating; returns the task at the end."""
    seed_noise(assemble.CPU, settings["seed"], "init")
    parts = build(settings)
    data = data or splits()
    assemble.prepare(settings, parts, data)
    task = assemble.make_task(settings, parts, data)
    folder.mkdir(parents=True, exist_ok=True)
    fit.train(settings, parts, task, Run(folder), Console(quiet=True), extra)
    return task


def timeless(content: dict) -> dict:
    """A checkpoint's content without how long anything took."""
    content["progress"] |= {"seconds": 0, "wall": 0}
    strategy = content["model"]["inference._extra_state"]
    for name in strategy.keys() & {"seconds", "epoch_seconds"}:
        strategy[name] = 0
    return content
