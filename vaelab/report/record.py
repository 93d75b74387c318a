"""What one run folder says of itself, as far as it can be read; a damaged one says why not."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from vaelab import identity
from vaelab.errors import UserError
from vaelab.files import merged
from vaelab.report.history import History
from vaelab.run import Run, command

Settings = dict[str, Any]
DAMAGED = "damaged"
FOLLOWING = "=${seed}"
# A thousand files are read: libyaml is ten times faster where PyYAML was built with it.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Record:
    """One run.

    Attributes:
        status: of `Run`, or "damaged".
        reason: why it failed, stopped or cannot be read.
        config: resolved; empty where it cannot be read.
        results: results.json; the same.
        typed: the overrides it was started with.
        history: metrics.csv.
    """

    folder: Path
    status: str
    reason: str = ""
    config: Settings = field(default_factory=dict)
    results: Settings = field(default_factory=dict)
    typed: list[str] = field(default_factory=list)
    history: History = field(default_factory=History)

    @property
    def name(self) -> str:
        """As "d99cebb4/seed1"."""
        return "/".join(self.folder.absolute().parts[-2:])

    @property
    def seed(self) -> int | None:
        """None where no config says it."""
        return self.config.get("seed")

    @cached_property
    def settings(self) -> Settings:
        """The config, the seed left open where something was typed to follow it.

        With `dataset.seed=${seed}` runs differ in their data too, and yet in their seed only.
        """
        names = [text.removesuffix(FOLLOWING) for text in self.typed if text.endswith(FOLLOWING)]
        settings = self.config
        for name in names:
            value: Any = FOLLOWING[1:]
            for part in reversed(name.split(".")):
                value = {part: value}
            settings = merged(settings, value)
        return settings

    @cached_property
    def hash(self) -> str:
        """Of what makes it what it is, but for the seed; of a damaged run its own."""
        return identity.config_hash(self.config) if self.config else str(self.folder)

    @property
    def command(self) -> str:
        """The command line that makes it."""
        return command(self.typed) if self.typed or self.config else ""

    @property
    def labels(self) -> list[str]:
        """What its results are marked with."""
        return [str(label) for label in self.results.get("labels") or []]

    @property
    def epochs(self) -> int:
        """Epochs it was trained for so far."""
        done = self.results.get("training", {}).get("epochs")
        return done if done is not None else self.history.epochs

    @property
    def split(self) -> str:
        """Whose metrics are shown: the test data where they were measured."""
        splits = list(self.results.get("metrics", {}))
        return "test" if "test" in splits or not splits else splits[0]

    @property
    def metrics(self) -> Mapping[str, Mapping[str, Any]]:
        """Of that split, by name: value, se, estimator, samples, n and more."""
        return self.results.get("metrics", {}).get(self.split, {})

    @property
    def units(self) -> int:
        """Latent dimensions of all levels; 0 of a model without a latent."""
        architecture = self.config.get("architecture") or {}
        dims = self.metrics.get("au", {}).get("dims") or architecture.get("latent_dims")
        return sum(dims) if dims else architecture.get("latent_dim") or 0


def read(folder: Path) -> Record:
    """The record of a folder; never raises for what is in it."""
    run, why = Run(folder), []
    try:
        status = run.status
        results = run.read()
    except (UserError, OSError, AttributeError):  # a list has no status
        status, results = DAMAGED, {}
        why.append("results.json cannot be read")
    if fault := misshapen(results):
        status, results = DAMAGED, {}
        why.append(f"results.json: {fault}")
    config = mapping(folder / "config.yaml")
    if not {"choices", "seed", "dataset"} <= set(config):
        # What is being written this moment is no damage.
        status = status if status == "running" or run.locked() else DAMAGED
        why.append("config.yaml cannot be read" if config or (folder / "config.yaml").exists()
                   else "half written: no config.yaml")  # fmt: skip
        config = {}
    elif status == "new":
        status = "running" if run.locked() else "interrupted"
    typed = mapping(folder / "overrides.yaml").get("overrides")
    return Record(
        folder=folder,
        status=status,
        reason="; ".join([*why, *([str(results["reason"])] if results.get("reason") else [])]),
        config=identity.YOUNGER | config if config else {},
        results=results,
        typed=[str(text) for text in typed] if isinstance(typed, list) else [],
        history=History.read(folder / "metrics.csv"),
    )


def mapping(path: Path) -> Settings:
    """A YAML file's mapping; empty where there is none or it is damaged."""
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return {str(key): value for key, value in found.items()} if isinstance(found, dict) else {}


def misshapen(results: object) -> str:
    """Why results.json is not one of vaelab's; empty if it is."""
    if not isinstance(results, dict):
        return "holds no results"
    parts = ("metrics", "training", "cost", "choices", "versions", "model", "best")
    for name in parts:
        if not isinstance(results.get(name) or {}, dict):
            return f"{name} is no mapping"
    for split, metrics in (results.get("metrics") or {}).items():
        if not isinstance(metrics, dict):
            return f"metrics.{split} is no mapping"
        for name, metric in metrics.items():
            if not isinstance(metric, dict) or not is_number(metric.get("value")):
                return f"metrics.{split}.{name} has no value"
    labels = results.get("labels") or []
    return "" if isinstance(labels, list) else "labels are no list"


def is_number(value: object) -> bool:
    """Of a metric: a number, NaN too, or none."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def finite(value: object) -> float | None:
    """A number that can be compared; None for anything else."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if plain and math.isfinite(value) else None  # pyright: ignore
