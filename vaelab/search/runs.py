"""The runs of a trial: ordinary ones, which `vaelab train` would make of the same words."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from vaelab.composing.compose import Composer
from vaelab.composing.identity import config_hash
from vaelab.errors import UserError
from vaelab.runs.evaluated import Wanted, results
from vaelab.runs.job import Task
from vaelab.runs.run import Run
from vaelab.search.names import BOUND, PREFIX
from vaelab.search.space import overrides
from vaelab.search.spec import Spec
from vaelab.sweeps.plan import plan


@dataclass(frozen=True)
class Validated(Wanted):
    """An evaluation that says a metric of the validation data."""

    def missing(self, run: Run) -> bool:
        """Whether it is still to be made."""
        return results(run, self.config, "valid", self.metric) is None


def words(spec: Spec, chosen: Mapping[str, str]) -> list[str]:
    """What is typed for a trial, but for the seed."""
    return [*spec.fixed, *overrides(spec.space, chosen)]


def task_for(spec: Spec, composer: Composer, chosen: Mapping[str, str], seed: int) -> Task:
    """One run of a trial.

    Raises:
        UserError: it cannot be composed.
    """
    read = composer.reader.read([*words(spec, chosen), f"seed={seed}"])
    (task,) = plan([composer.cell(read)])
    if spec.metric == BOUND:
        return task
    return replace(task, wanted=(Validated(task.config, spec.metric.removeprefix(PREFIX)),))


def folder(spec: Spec, first: Task) -> Path:
    """A study's: another space, metric, or fixed setting that changes a result, is another study.

    Args:
        spec: what is searched.
        first: the run that stands for the fixed settings, defaults included.
    """
    evaluation = None if spec.metric == BOUND else first.config["evaluation"]
    identity = {
        "space": [asdict(one) for one in spec.space],
        "seeds": spec.seeds,
        "metric": spec.metric,
        "evaluation": evaluation,
        "settings": config_hash(first.config),
    }
    hashed = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:8]
    return Path(str(first.config["output_dir"])) / "search" / f"{spec.name}-{hashed}"


def value(spec: Spec, task: Task) -> float:
    """A complete run's value: of the epoch that is its model, on validation data.

    Raises:
        UserError: it has none.
    """
    run = Run(task.folder)
    stored = run.read()
    if spec.metric == BOUND:
        criterion = measured(task)[0]
        epoch = stored.get("model", {}).get("epoch")
        found = {row["epoch"]: row.get(criterion) for row in rows(run)}.get(epoch)
        name = criterion
    else:
        name = spec.metric.removeprefix(PREFIX)
        known = results(run, task.config, "valid", name) or {}
        found = known.get("metrics", {}).get("valid", {}).get(name, {}).get("value")
    if found is None or not math.isfinite(found):
        why = stored.get("evaluation_failed") or stored.get("training", {}).get("ended") or ""
        raise UserError(f"{run} has no {name} of the validation data{why and f' ({why})'}")
    return float(found)


def bounds(task: Task) -> dict[int, float]:
    """The validation bounds of a run that may be held against other runs', by epoch."""
    from vaelab.callback.pruning import comparable

    criterion, first = measured(task)
    return comparable(rows(Run(task.folder)), criterion, first)


def rows(run: Run) -> list[dict[str, float]]:
    """A run's metrics by epoch."""
    from vaelab.callback.history import read

    return read(run.folder / "metrics.csv")


def measured(task: Task) -> tuple[str, int]:
    """The metric by which a run selects its epoch, and the first epoch that is comparable."""
    from vaelab.build import build
    from vaelab.callback.pruning import first_comparable

    parts = build(task.config)
    strategy, epochs = parts.trainer, task.config["epochs"]
    first = first_comparable(strategy.unfinished, parts.beta.warmup, parts.bound, epochs)
    return strategy.criterion, first
