"""Where a run's numbers under given evaluation settings are; reads files only."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vaelab.identity import LEFT_OUT, canonical
from vaelab.run import FINAL, Run

# What decides which files are written, but no number of a split.
FORM = ("splits", "per_example")


def settings_hash(node: Mapping[str, Any]) -> str:
    """Eight characters for the settings of an evaluation, however they were written."""
    text = json.dumps(canonical(node), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def evaluation_file(run: Run, config: Mapping[str, Any]) -> Path:
    """Where an evaluation after training is written: one file for each way to evaluate.

    That is the evaluation's settings and whatever else differs from the run's own config, such as
    another inference strategy.
    """
    own = run.config
    other = {
        name: config[name]
        for name in config
        if name not in LEFT_OUT and canonical(config[name]) != canonical(own.get(name))
    }
    return run.folder / "evaluations" / f"{settings_hash({**config['evaluation'], **other})}.json"


def results(run: Run, config: Mapping[str, Any], split: str) -> dict[str, Any] | None:
    """What there is of one split as config["evaluation"] says: metrics, labels, data; or None.

    A run ends with an evaluation of its own; others were made later, by `vaelab evaluate` or for
    a table.
    """
    if run.status not in FINAL:
        return None
    if _numbers(run.config["evaluation"]) == _numbers(config["evaluation"]):
        found = run.read()
        if split in found.get("metrics", {}):
            return found
    try:
        found = json.loads(evaluation_file(run, config).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return found if split in found["metrics"] else None


def _numbers(node: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that decide the numbers."""
    return {key: value for key, value in canonical(node).items() if key not in FORM}
