"""One evaluation of a task's weights on every split that it covers."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaelab import distributed
from vaelab.batch import Batch
from vaelab.bound.base import Bound
from vaelab.evaluation.evaluate import Evaluation, Results
from vaelab.evaluation.kept import Kept
from vaelab.evaluation.progress import bar, silent
from vaelab.evaluation.truth import beside_truth
from vaelab.posterior import Posterior
from vaelab.task import Task


@dataclass(frozen=True)
class Evaluated:
    """Results by split, and the files with which a killed evaluation would have gone on."""

    results: dict[str, Results]
    kept: list[Kept]

    @property
    def metrics(self) -> dict[str, dict[str, Any]]:
        """For a JSON."""
        return {name: results.as_dict() for name, results in self.results.items()}

    def discard(self) -> None:
        """The results are in a file."""
        for one in self.kept:
            one.discard()


def evaluate_splits(
    task: Task,
    evaluation: Evaluation,
    discrete: bool,
    dataset: object,
    epoch: int,
    stem: Path,
    said: Callable[[str], object] = lambda _: None,
) -> Evaluated:
    """Evaluate weights that are loaded.

    Args:
        task: on its device, in evaluation mode.
        evaluation: how.
        discrete: whether the likelihood is a probability.
        dataset: what the splits are of; it may know its own density.
        epoch: the weights are from, counted from 1.
        stem: of the files for what is done of it.
        said: told each split before it begins.
    """
    bound, beta = in_force(task, epoch)

    def posterior(batch: Batch) -> Posterior:
        return task.inference.posterior(task, batch)

    found, done = {}, []
    for name in evaluation.splits:
        said(name)
        split = getattr(task.splits, name)
        _, examples = evaluation.size(task.vae, split)
        first = distributed.rank() == 0  # others have their share, and show and keep nothing
        path = stem.with_name(f".{stem.name}-{name}.part")
        kept = Kept(path, f"epoch {epoch}") if first else None
        shown = bar(f"Evaluating on {name}", examples) if first else nullcontext(silent)
        with shown as advance:
            results = evaluation(
                task.vae, posterior, split, name, discrete, advance, kept, bound=bound, beta=beta
            )
        found[name] = beside_truth(results, dataset, split)
        done += [kept] if kept else []
    return Evaluated(found, done)


def in_force(task: Task, epoch: int) -> tuple[Bound, float]:
    """Bound and KL weight at the end of an epoch, counted from 1."""
    last, steps = max(0, epoch - 1), task.steps_per_epoch
    return task.bound.at(last), task.beta_at(last, steps - 1)
