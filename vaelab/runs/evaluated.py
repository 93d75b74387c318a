"""Where a run's numbers under given evaluation settings are; reads files only.

An evaluation made before a setting or a metric existed is found as before, with the numbers it
has. Only who asks for a metric that it lacks is told that there is none yet, so that a table
evaluates again for IWAE-64 but not for an NLL that is there.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaelab.composing.identity import LEFT_OUT, as_older, canonical
from vaelab.errors import UserError
from vaelab.runs.run import FINAL, Run

# Settings younger than some evaluations: at these values they change no hash and no number that
# an older one has.
YOUNGER: dict[str, Any] = {"block": 64, "epoch": None, "marginal": None}
# Metrics younger than some evaluations. Not log_likelihood: its setting is as young as it is, and
# whoever does not ask for it must not be told that it is missing.
LATER = frozenset({"iwae", "kl_qp", "ppl_bound"})
# What decides which files are written, but no number of a split.
FORM = ("splits", "per_example")


def settings_hash(node: Mapping[str, Any]) -> str:
    """Eight characters for the settings of an evaluation, however they were written."""
    kept = {name: value for name, value in node.items() if not _neutral(name, value)}
    text = json.dumps(canonical(kept), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def numbers(node: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that decide the numbers; one that was not there yet at its neutral value."""
    return {key: value for key, value in (YOUNGER | canonical(node)).items() if key not in FORM}


def evaluation_file(run: Run, config: Mapping[str, Any]) -> Path:
    """Where an evaluation after training is written: one file for each way to evaluate.

    That is the evaluation's settings and whatever else differs from the run's own config, such as
    another inference strategy.
    """
    own = run.config
    other = {
        name: config[name]
        for name in config
        if name not in LEFT_OUT
        and canonical(as_older(name, config[name])) != canonical(as_older(name, own.get(name)))
    }
    return run.folder / "evaluations" / f"{settings_hash({**config['evaluation'], **other})}.json"


def weights(run: Run, config: Mapping[str, Any], epoch: int | None) -> Path:
    """The checkpoint that is asked for: of the selected epoch, or of one whose weights were kept.

    Raises:
        UserError: the epoch's were not; those that were are named.
    """
    if epoch is None:
        return run.checkpoints / f"{config['select']}.ckpt"
    path = run.checkpoints / snapshot_name(epoch)
    if not path.is_file():
        found = run.checkpoints.glob(snapshot_name("*"))
        kept = sorted(int(one.stem.rpartition("-")[2]) for one in found)
        there = f"there are {', '.join(map(str, kept))}" if kept else "it kept none"
        raise UserError(
            f"epoch={epoch}: {run} has no weights of this epoch; {there} (snapshots=[{epoch}] in "
            "training keeps them)"
        )
    return path


def snapshot_name(epoch: int | str) -> str:
    """The file of an epoch's weights, counted from 1."""
    return f"epoch-{epoch}.ckpt"


def results(
    run: Run, config: Mapping[str, Any], split: str, metric: str = ""
) -> dict[str, Any] | None:
    """What there is of one split as config["evaluation"] says: metrics, labels, data; or None.

    A run ends with an evaluation of its own; others were made later, by `vaelab evaluate` or for
    a table.

    Args:
        run: any; one that is not finished has none.
        config: its settings, or with another evaluation.
        split: "test", ...
        metric: that it must have ("nll", "-iwae", "au.levels.1"), where it may be older than the
            metric; one that no evaluation has is not missed here.
    """

    def has(found: Mapping[str, Any]) -> bool:
        metrics = found.get("metrics", {}).get(split)
        name = metric.removeprefix("-").partition(".")[0]
        return metrics is not None and (name not in LATER or name in metrics)

    if run.status not in FINAL:
        return None
    # A run's own results are of its selected epoch, whatever its evaluation says.
    if numbers({**run.config["evaluation"], "epoch": None}) == numbers(config["evaluation"]):
        found = run.read()
        if has(found):
            return found
    try:
        found = json.loads(evaluation_file(run, config).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return found if has(found) else None


@dataclass(frozen=True)
class Wanted:
    """An evaluation that a run must have: as config["evaluation"] says."""

    config: dict[str, Any]
    metric: str = ""

    def missing(self, run: Run) -> bool:
        """Whether it is still to be made."""
        return results(run, self.config, reported(self.config), self.metric) is None


def reported(config: Mapping[str, Any]) -> str:
    """The split whose numbers a table shows: the test data, unless the evaluation has others."""
    splits = config["evaluation"].get("splits") or ["test"]
    return "test" if "test" in splits else splits[0]


def _neutral(name: str, value: Any) -> bool:
    return name in YOUNGER and value == YOUNGER[name]
