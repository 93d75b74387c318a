"""What a run says once it is trained: its model evaluated, drawn, and what it took."""

import logging
import resource
import sys
from collections.abc import Mapping
from typing import Any

import torch
from rich.console import Console

from vaelab import checkpoint, distributed
from vaelab.assemble import labels
from vaelab.batch import Batch
from vaelab.build import Parts, construct, own_device
from vaelab.callback import history
from vaelab.callback.selection import Selection
from vaelab.evaluation.evaluate import Evaluation
from vaelab.evaluation.splits import evaluate_splits
from vaelab.posterior import Posterior
from vaelab.reporting.plot import draw_figures
from vaelab.runs.evaluated import settings_hash, weights
from vaelab.runs.run import Run
from vaelab.task import Task

log = logging.getLogger(__name__)
Config = Mapping[str, Any]


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
