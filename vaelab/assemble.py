"""A run's task from its config: parts, data, initial values, and a checkpoint's weights."""

from collections.abc import Mapping
from typing import Any

import torch

from vaelab import checkpoint
from vaelab.architecture.base import Architecture
from vaelab.architecture.committed import CommittedEncoder
from vaelab.architecture.committed_rate import CommittedRate
from vaelab.build import Parts, build
from vaelab.dataset.base import Splits
from vaelab.dataset.limit import limited, reduced
from vaelab.model import VAE
from vaelab.seeding import seed_noise
from vaelab.task import Recipe, Task

Config = Mapping[str, Any]
CPU = torch.device("cpu")


def load_splits(config: Config, parts: Parts) -> Splits:
    """The data of a config, whole or limited."""
    return limited(parts.dataset.load(), config["max_examples"])


def make_task(config: Config, parts: Parts, splits: Splits) -> Task:
    """The task of a config; weights as the parts were built."""
    architecture = parts.architecture
    encoder = architecture.encoder
    if (rate := config["committed_rate"]) is not None:
        limit = CommittedRate(rate).log_var(architecture.latent_dims[0])
        encoder = CommittedEncoder(encoder, limit)
    vae = VAE(encoder, architecture.decoder, parts.prior)
    recipe = Recipe(
        seed=config["seed"],
        batch_size=config["batch_size"],
        clip_norm=config["clip_norm"],
        clip_scope=config["clip_scope"],
        micro_batches=config["micro_batches"],
        bf16=config["precision"] == "bf16-mixed",
        decoder_passes=config["decoder_passes"],
    )
    factories = dict(parts.optimizer)
    return Task(
        vae,
        parts.bound,
        parts.trainer,
        parts.beta,
        factories,
        recipe,
        splits,
        learning_rate=parts.learning_rate,
    )


def prepare(config: Config, parts: Parts, splits: Splits) -> list[str]:
    """Initial values that come from the training data; their noise is a function of the seed.

    Returns what the inference strategy says of the data, in sentences.
    """
    for part in (parts.prior, parts.architecture):
        seed_noise(CPU, config["seed"], "prepare")
        part.prepare(splits.train)
    return parts.trainer.prepare(splits.train, fresh=True)


def compile_networks(vae: VAE | Architecture) -> None:
    """Have torch compile encoder and decoder at their first call."""
    vae.encoder.compile()
    # An autoregressive decoder's forward only holds z; its network runs in log_prob.
    getattr(vae.decoder, "network", vae.decoder).compile()


def load_task(config: Config, path: Any) -> tuple[Task, Parts, int]:
    """The task of a config with a checkpoint's weights, on the CPU; and the checkpoint's epoch.

    Raises:
        UserError: the data or the checkpoint cannot be read, or do not fit the config.
    """
    seed_noise(CPU, config["seed"], "init")
    parts = build(config, training=False)
    splits = load_splits(config, parts)
    parts.trainer.prepare(splits.train, fresh=False)
    task = make_task(config, parts, splits)
    return task, parts, checkpoint.load_model(task, path)


def labels(config: Config, parts: Parts) -> list[str]:
    """What every result of this config is marked with."""
    cut_short = parts.learning_rate.cut_short(config["epochs"])
    return [*parts.dataset.labels, *reduced(config["max_examples"]), *cut_short]
