"""Subjects that are small tasks on known models, built as their runs would be and never trained."""

from functools import cache
from pathlib import Path

import torch

from vaelab.assemble import load_splits, make_task
from vaelab.build import build
from vaelab.composing.compose import Composer
from vaelab.composing.validate import validate
from vaelab.diagnosis.base import Loaded, Subject
from vaelab.runs.run import Run
from vaelab.sweeps.plan import container

SIZES = ("dataset.num_train=60", "dataset.num_valid=20", "dataset.num_test=40")
LINEAR = (
    "dataset=linear_gaussian", "dataset.dim=2", "dataset.latent_dim=1", "dataset.sigma=0.5",
    "likelihood=gaussian", "likelihood.scale=0.5", "architecture=vector_mlp",
    "architecture.latent_dim=1", "architecture.hidden=[]", "architecture.encoder_hidden=[]", *SIZES,
)  # fmt: skip


@cache
def settings(*overrides: str) -> dict:
    """Composed once for all tests, which takes longer than most of them."""
    return validate(container(Composer().cells([*overrides, "lightning=cpu"])[0]))


class Built(Subject):
    """One of these overrides; with `true`, its linear decoder is the data's own."""

    def __init__(self, label: str, *overrides: str, true: bool = False) -> None:
        config = settings(*overrides)
        super().__init__(label, Run(Path(label)), config)
        torch.manual_seed(0)
        parts = build(config)
        splits = load_splits(config, parts)
        parts.trainer.prepare(splits.train, fresh=True)
        task = make_task(config, parts, splits).eval()
        if true:
            (layer,) = task.vae.decoder.network
            with torch.no_grad():
                layer.weight.copy_(parts.dataset.weight)
                layer.bias.copy_(parts.dataset.mean)
        object.__setattr__(self, "task", task)
        object.__setattr__(self, "dataset", parts.dataset)

    def load(self, epoch=None):
        task = self.task
        return Loaded(
            task.vae,
            lambda batch: task.inference.posterior(task, batch),
            task.bound,
            task.splits,
            self.config,
            epoch or 3,
            ["stand-in"],
            self.dataset,
            task.inference,
        )
