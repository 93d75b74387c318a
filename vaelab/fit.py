"""One run from its config to its results: train (or go on), evaluate the selected epoch, draw."""

import logging
import resource
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import Logger
from rich.console import Console

from vaelab import checkpoint, distributed, partners
from vaelab.architecture.base import Architecture
from vaelab.architecture.committed import CommittedEncoder
from vaelab.architecture.committed_rate import CommittedRate
from vaelab.batch import Batch
from vaelab.batches import Blocks
from vaelab.build import Parts, build, construct, own_device
from vaelab.callback import history
from vaelab.callback.checkpointing import Checkpointing
from vaelab.callback.history import History
from vaelab.callback.progress import LiveLine
from vaelab.callback.restore import Restore
from vaelab.callback.selection import Selection
from vaelab.callback.snapshots import Snapshots
from vaelab.callback.stopping import Stopping
from vaelab.callback.warnings import CollapseWarning, SlowdownWarning
from vaelab.callback.watching import Watching
from vaelab.dataset.base import Splits
from vaelab.dataset.limit import limited, reduced
from vaelab.evaluated import settings_hash, weights
from vaelab.evaluation.evaluate import Evaluation
from vaelab.evaluation.splits import evaluate_splits
from vaelab.loggers import conclude, loggers
from vaelab.model import VAE
from vaelab.posterior import Posterior
from vaelab.progress import Progress
from vaelab.reporting.plot import draw_figures
from vaelab.run import Run
from vaelab.seeding import seed_noise
from vaelab.session import quiet_lightning, spoken, stop_signals
from vaelab.task import Recipe, Task

log = logging.getLogger(__name__)
Config = Mapping[str, Any]
CPU = torch.device("cpu")


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


def load_splits(config: Config, parts: Parts) -> Splits:
    """The data of a config, whole or limited."""
    return limited(parts.dataset.load(), config["max_examples"])


def labels(config: Config, parts: Parts) -> list[str]:
    """What every result of this config is marked with."""
    cut_short = parts.learning_rate.cut_short(config["epochs"])
    return [*parts.dataset.labels, *reduced(config["max_examples"]), *cut_short]


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


def fit(
    config: Config, run: Run, console: Console | None = None, label: str = "", *extra: pl.Callback
) -> None:
    """Train a run to its end and write its results; goes on from last.ckpt where there is one.

    Args:
        config: validated.
        run: its folder, locked by this process.
        console: for the live line.
        label: in front of that line.
        extra: callbacks that come after ours.

    Raises:
        UserError: something the user can mend, such as missing data or a damaged checkpoint.
        Interrupted: Ctrl-C or SIGTERM; the same command goes on from where it stopped.
        Pruned: an extra callback ended it early.
    """
    console = console or Console()
    with spoken(console):
        train_and_report(config, run, console, label, extra)


def train_and_report(
    config: Config, run: Run, console: Console, label: str, extra: Iterable[pl.Callback]
) -> None:
    """The whole of `fit`, with warnings already going to the console."""
    seed_noise(CPU, config["seed"], "init")
    parts = build(config)
    splits = load_splits(config, parts)
    for sentence in prepare(config, parts, splits):
        log.info(sentence)
        if run.writable:  # one of several processes
            console.print(sentence, markup=False, soft_wrap=True)
    task = make_task(config, parts, splits)
    if config["compile"]:
        compile_networks(task.vae)

    with loggers(config, run) as told:
        selection = train(config, parts, task, run, console, extra, label, told)
        if not run.writable and distributed.world_size() == 1:
            return
        started = time.monotonic()
        spent = task.inference.cost()  # before another epoch's state is loaded
        report(config, parts, task, run, selection, console)
        before = float(spent.get("precomputation_seconds") or 0)
        others = before + time.monotonic() - started
        run.update(cost=cost(task, others) | shared(spent, task))
        if task.inference.facts:
            run.update(inference=task.inference.facts)
        conclude(told, config, run)


def compile_networks(vae: VAE | Architecture) -> None:
    """Have torch compile encoder and decoder at their first call."""
    vae.encoder.compile()
    # An autoregressive decoder's forward only holds z; its network runs in log_prob.
    getattr(vae.decoder, "network", vae.decoder).compile()


def train(
    config: Config,
    parts: Parts,
    task: Task,
    run: Run,
    console: Console,
    extra: Iterable[pl.Callback] = (),
    label: str = "",
    loggers: Iterable[Logger] = (),
) -> Selection:
    """The training part; returns what was selected. `extra` callbacks come after ours."""
    units = sum(parts.architecture.latent_dims)
    head_start = parts.trainer.unfinished
    selection = Selection(config["epochs"], config["patience"], parts.beta.warmup, head_start)
    checkpointing = Checkpointing(run.checkpoints, selection)
    moments = parts.watch.moments
    last = run.checkpoints / "last.ckpt"
    content = checkpoint.read(last) if last.exists() else None
    callbacks: list[pl.Callback] = [
        Restore(content, run),
        selection,
        History(run.folder / "metrics.csv"),
        CollapseWarning(units),
        SlowdownWarning(),
        LiveLine(console, selection, units, label, run.folder),
        *([] if moments is None else [Watching(parts.watch, moments, run.folder)]),
        Snapshots(run.checkpoints, config["snapshots"] or ()),
        checkpointing,
        *extra,
    ]
    if content is not None:
        done = content["progress"]["epoch"]
        console.print(f"Going on from epoch {done} of {config['epochs']}")
        selection.load_state_dict(content["callbacks"]["Selection"])
    if selection.reason is not None:
        if content is not None:
            task.progress = Progress(**content["progress"])
            task.load_state_dict(content["model"])
        return selection
    with quiet_lightning(), stop_signals() as asked:
        callbacks.append(Stopping(asked, checkpointing))
        trainer = pl.Trainer(
            **config["lightning"],
            max_epochs=-1,
            logger=list(loggers) or False,
            callbacks=callbacks,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            inference_mode=False,
            use_distributed_sampler=False,
            plugins=partners.plugins(),
        )
        trainer.fit(task, Blocks(task), range(1))  # one block of validation: all of it
    log.info("training ended: %s", selection.reason)
    return selection


def report(
    config: Config, parts: Parts, task: Task, run: Run, selection: Selection, console: Console
) -> None:
    """Evaluate the selected epoch on the splits asked for, draw it, write results.json.

    An evaluation that names another epoch is made of that one later, in a file of its own: a run's
    own results are of its model.
    """
    settings = {**config["evaluation"], "epoch": None}
    evaluation: Evaluation = construct(settings, {})
    distributed.any_of(False)  # the first process has written its files
    path = weights(run, config, None)
    epoch = checkpoint.load_model(task, path)
    # Lightning leaves the model on the CPU, where 5000 samples would take days.
    task.to(own_device(config)).eval()

    def said(split: str) -> None:
        console.print(f"Evaluating epoch {epoch} on {split}")

    stem = run.folder / "evaluations" / settings_hash(settings)
    discrete, dataset = parts.likelihood.discrete, parts.dataset
    evaluated = evaluate_splits(task, evaluation, discrete, dataset, epoch, stem, said)
    distributed.leave()
    if not run.writable:  # the further processes have had their share
        return
    criterion = task.inference.criterion.replace("/", "_")
    best = {"epoch": selection.best_epoch or epoch, criterion: selection.best, "bound_beta": 1.0}
    run.update(
        metrics=evaluated.metrics,
        checkpoint={"file": path.name, "epoch": epoch},
        model={"epoch": epoch, "select": config["select"]},
        # Bounds before and after a change are not comparable: no epoch is the best.
        best=None if parts.bound.changes else best,
        training={"epochs": task.progress.epoch, "ended": selection.reason},
        data=parts.dataset.provenance(),
        labels=labels(config, parts),
    )
    evaluated.discard()
    rows = history.read(run.folder / "metrics.csv")

    def posterior(batch: Batch) -> Posterior:
        return task.inference.posterior(task, batch)

    try:
        seed = config["seed"]
        draw_figures(task.vae, posterior, task.splits, rows, run.figures, seed, epoch=epoch)
    except Exception as error:  # the numbers are there: a picture must not cost them
        log.exception("figures could not be drawn")
        console.print(f"warning: figures could not be drawn ({error}); see {run.log}", markup=False)


def shared(spent: dict[str, Any], task: Task) -> dict[str, Any]:
    """What a strategy spent, and the share of the updates' time that its inner loops took."""
    if "inner_seconds" not in spent:
        return spent
    return spent | {"inner_share": spent["inner_seconds"] / max(1e-9, task.progress.seconds)}


def cost(task: Task, other_seconds: float) -> dict[str, float | int]:
    """What the run took: time (resumed parts included), updates, network passes, memory.

    A pass is one example through a network; `examples_per_second` counts updates alone, without
    validation and checkpoints.
    """
    progress = task.progress
    examples = progress.updates * len(task.splits.train) / task.steps_per_epoch
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": progress.wall + other_seconds,  # before training, and evaluation
        "training_seconds": progress.seconds,
        "examples_per_second": examples / progress.seconds if progress.seconds else 0.0,
        "encoder_updates": progress.encoder_updates,
        "decoder_updates": progress.decoder_updates,
        "encoder_passes": progress.encoder_passes,
        "decoder_passes": progress.decoder_passes,
        "peak_memory_bytes": peak if sys.platform == "darwin" else peak * 1024,
        "peak_device_memory_bytes": torch.cuda.max_memory_allocated()
        if torch.cuda.is_available()
        else 0,
    }
