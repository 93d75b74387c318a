"""What sets runs apart, in as few words as will do: labels for legends."""

from collections.abc import Mapping, Sequence
from typing import Any

from vaelab.composing.identity import LEFT_OUT, canonical
from vaelab.composing.settings import shown
from vaelab.runs.run import Run

OF_NO_INTEREST = LEFT_OUT - {"seed"}


def distinguish(runs: Sequence[Run]) -> list[str]:
    """One label a run: its options and settings that others have otherwise.

    A setting counts only among runs that have it: `K` of two IWAEs, but not beside an ELBO. Runs
    of one config are told apart by their folders, or counted. No two labels are the same.
    """
    configs = [flat(run.config) for run in runs]
    texts = [", ".join(differing(own, configs)) for own in configs]
    named = [
        text if text and texts.count(text) == 1 else f"{text} {run.folder.name}".strip()
        for text, run in zip(texts, runs, strict=True)
    ]
    return [
        one if named.count(one) == 1 else f"{one} ({1 + named[:place].count(one)})"
        for place, one in enumerate(named)
    ]


def differing(own: Mapping[str, Any], configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """NAME=VALUE of one run, where another that has this name has another value."""
    told = []
    for name, value in own.items():
        group = name.partition(".")[0]
        alike = [one for one in configs if "." not in name or one.get(group) == own.get(group)]
        if any(name in one and one[name] != value for one in alike):
            told.append(f"{name.rpartition('.')[2]}={shown(value)}")
    return told


def flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """Options by group, and settings by dotted name, that can make runs differ."""
    choices = {str(key): value for key, value in config.get("choices", {}).items()}
    choices.pop("experiment", None)  # what it means stands in the settings
    found = {key: value for key, value in choices.items() if key not in OF_NO_INTEREST}
    for key, value in config.items():
        if key not in OF_NO_INTEREST:
            _flatten(str(key), canonical(value), found)
    return found


def _flatten(name: str, value: Any, found: dict[str, Any]) -> None:
    if not isinstance(value, Mapping):
        found[name] = value
        return
    for key, one in value.items():
        if not str(key).startswith("_"):
            _flatten(f"{name}.{key}", one, found)
