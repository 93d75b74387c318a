"""Every evaluation of a run: the one it ended with, and those made of it later."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

from vaelab.composing import groups
from vaelab.report.shape import misshapen
from vaelab.runs.evaluated import numbers, settings_hash

OWN = "own"
Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Evaluation:
    """One.

    Attributes:
        name: "own", or the hash that its file in RUN/evaluations is named by.
        option: of configs/evaluation that gives its numbers; "" where none does.
        settings: how it was made.
        metrics: by split, then by name.
        labels: its results are marked with.
        epoch: whose weights were evaluated, as far as it says so.
        plain: whether `settings` is all that says how. Of one made with another inference
            strategy the file's name alone tells.
    """

    name: str
    option: str
    settings: Settings
    metrics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    epoch: int | None = None
    plain: bool = True

    @cached_property
    def key(self) -> str:
        """The same of evaluations that give the same model the same numbers."""
        return key(self.settings) if self.plain else self.name

    @property
    def title(self) -> str:
        """As "own, quick" or "2c5d1040, paper"."""
        epoch = f"epoch {self.epoch}" if self.settings.get("epoch") is not None else ""
        other = "" if self.plain else "other settings besides"
        return ", ".join(text for text in (self.name, self.option, epoch, other) if text)

    @property
    def split(self) -> str:
        """Whose metrics are shown: the test data where they were measured."""
        splits = list(self.metrics)
        return "test" if "test" in splits or not splits else splits[0]


def key(settings: Settings) -> str:
    """Of settings."""
    return json.dumps(numbers(settings), sort_keys=True)


@cache
def options(*folders: Path) -> dict[str, Settings]:
    """Name -> settings of every option of configs/evaluation."""
    found = groups.options("evaluation", *(folders or (groups.config_dir(),)))
    return {name: yaml.safe_load(path.read_text(encoding="utf-8")) for name, path in found.items()}


def own(config: Settings, results: Settings, known: Mapping[str, Settings]) -> Evaluation:
    """What a run ended with: always of its selected epoch."""
    said = config.get("evaluation")
    settings = {**(said if isinstance(said, Mapping) else {}), "epoch": None}
    epoch = (results.get("checkpoint") or {}).get("epoch")
    return made(OWN, settings, results, known, epoch)


def later(
    folder: Path, first: Evaluation, known: Mapping[str, Settings]
) -> tuple[list[Evaluation], list[Path]]:
    """Those of RUN/evaluations in the order of their names, and files that cannot be read.

    Args:
        folder: of the run.
        first: its own.
        known: options of configs/evaluation.
    """
    found, damaged = [], []
    kinds = dict.fromkeys(one.get("_target_") for one in (first.settings, *known.values()))
    for path in sorted((folder / "evaluations").glob("[!.]*.json")):
        try:
            results = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, json.JSONDecodeError):
            results: Any = []
        if misshapen(results) or not isinstance(said := results.get("evaluation") or {}, dict):
            damaged.append(path)
            continue
        # The file names no class; the hash in its own name tells which one it was.
        nodes = [{**({"_target_": kind} if kind else {}), **said} for kind in kinds]
        node = next((one for one in nodes if settings_hash(one) == path.stem), None)
        epoch = (results.get("checkpoint") or {}).get("epoch")
        plain = node is not None
        found.append(made(path.stem, node or said, results, known, epoch, plain))
    return found, damaged


def made(
    name: str,
    settings: Settings,
    results: Settings,
    known: Mapping[str, Settings],
    epoch: int | None,
    plain: bool = True,
) -> Evaluation:
    """From what a JSON says."""
    mine = key(settings)
    option = next((one for one, node in known.items() if plain and key(node) == mine), "")
    labels = tuple(str(label) for label in results.get("labels") or ())
    return Evaluation(name, option, settings, results.get("metrics") or {}, labels, epoch, plain)


def like(found: tuple[Evaluation, ...], settings: Settings) -> Evaluation | None:
    """The one that was made by such settings, whatever files it wrote; of test data rather."""
    alike = [one for one in found if one.key == key(settings) and one.metrics]
    return next((one for one in alike if one.split == "test"), alike[0] if alike else None)
