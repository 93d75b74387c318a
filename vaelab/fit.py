"""One run from its config to its results: train (or go on), evaluate the selected epoch, draw."""

import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.loggers import Logger
from rich.console import Console

from vaelab import checkpoint, distributed, partners
from vaelab.assemble import CPU, compile_networks, load_splits, make_task, prepare
from vaelab.batches import Blocks
from vaelab.build import Parts, build
from vaelab.callback.checkpointing import Checkpointing
from vaelab.callback.history import History
from vaelab.callback.progress import LiveLine
from vaelab.callback.restore import Restore
from vaelab.callback.selection import Selection
from vaelab.callback.snapshots import Snapshots
from vaelab.callback.stopping import Stopping
from vaelab.callback.warnings import CollapseWarning, SlowdownWarning
from vaelab.callback.watching import Watching
from vaelab.composing import identity
from vaelab.loggers import conclude, loggers
from vaelab.progress import Progress
from vaelab.results import cost, report, shared
from vaelab.runs.run import Run
from vaelab.seeding import seed_noise
from vaelab.session import quiet_lightning, spoken, stop_signals
from vaelab.task import Task

log = logging.getLogger(__name__)
Config = Mapping[str, Any]


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
        Restore(content, run, f"{identity.config_hash(config)}/seed{config['seed']}"),
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
            checkpoint.take(checkpoint.added(checkpoint.shares(content), task), task)
        return selection
    with quiet_lightning(), stop_signals(partners.several(config["lightning"])) as stops:
        callbacks.append(Stopping(stops, checkpointing))
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
    for name in ("encoder_passes", "decoder_passes"):  # of all processes, in what the run took
        setattr(task.progress, name, distributed.total(getattr(task.progress, name)))
    return selection
