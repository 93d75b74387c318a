"""What one run folder says of itself, as far as it can be read; a damaged one says why not."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from vaelab.composing import identity
from vaelab.errors import UserError
from vaelab.files import merged
from vaelab.report.evaluations import OWN, Evaluation, later, options, own
from vaelab.report.history import History
from vaelab.report.shape import misshapen
from vaelab.runs.run import Run, command

Settings = dict[str, Any]
DAMAGED = "damaged"
FOLLOWING = "=${seed}"
OTHER = "other"  # an evaluation that is no option of configs/evaluation
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
        evaluations: its own, then those made later.
        shown: whose numbers are shown, its own unless another was asked for; None: it lacks that.
        unread: files of evaluations that are damaged.
    """

    folder: Path
    status: str
    reason: str = ""
    config: Settings = field(default_factory=dict)
    results: Settings = field(default_factory=dict)
    typed: list[str] = field(default_factory=list)
    history: History = field(default_factory=History)
    evaluations: tuple[Evaluation, ...] = ()
    shown: Evaluation | None = None
    unread: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        """As "d99cebb4/seed1"."""
        return "/".join(self.folder.absolute().parts[-2:])

    @property
    def seed(self) -> int | None:
        """None where no config says it."""
        return self.config.get("seed")

    @property
    def following(self) -> list[str]:
        """Settings that were typed to follow the seed."""
        return [text.removesuffix(FOLLOWING) for text in self.typed if text.endswith(FOLLOWING)]

    @cached_property
    def settings(self) -> Settings:
        """The config, the seed left open where something was typed to follow it.

        With `dataset.seed=${seed}` runs differ in their data too, and yet in their seed only.
        The evaluation is the one that is shown.
        """
        settings = self.config
        if self.shown is None or self.shown.name != OWN:
            chosen = {} if self.shown is None else {"evaluation": self.shown.option or OTHER}
            choices = {k: v for k, v in settings.get("choices", {}).items() if k != "evaluation"}
            shown = {} if self.shown is None else dict(self.shown.settings)
            settings = {**settings, "evaluation": shown, "choices": {**choices, **chosen}}
        for name in self.following:
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
        shown = self.results.get("labels") or [] if self.shown is None else self.shown.labels
        return [str(label) for label in shown]

    @property
    def epochs(self) -> int:
        """Epochs it was trained for so far."""
        done = self.results.get("training", {}).get("epochs")
        return done if done is not None else self.history.epochs

    @property
    def split(self) -> str:
        """Whose metrics are shown: the test data where they were measured."""
        return "test" if self.shown is None else self.shown.split

    @property
    def metrics(self) -> Mapping[str, Mapping[str, Any]]:
        """Of that split, by name: value, se, estimator, samples, n and more."""
        return {} if self.shown is None else self.shown.metrics.get(self.split, {})

    @property
    def files(self) -> Mapping[str, str] | None:
        """Checksums of the user's own files that it was trained on; None where it has none."""
        return self.results.get("own_files") or None

    @property
    def data(self) -> Mapping[str, Any]:
        """What its data set says of itself, unless the data were to follow the seed."""
        follows = any(name.startswith("dataset.") for name in self.following)
        return {} if follows else self.results.get("data") or {}

    @property
    def data_name(self) -> str:
        """Six letters for what it was trained on; empty where it does not say."""
        said = json.dumps([self.files, dict(self.data)], sort_keys=True, default=str)
        known = self.files or self.data
        return hashlib.sha256(said.encode()).hexdigest()[:6] if known else ""

    @property
    def units(self) -> int:
        """Latent dimensions of all levels; 0 of a model without a latent."""
        architecture = self.config.get("architecture") or {}
        dims = self.metrics.get("au", {}).get("dims") or architecture.get("latent_dims")
        return sum(dims) if dims else architecture.get("latent_dim") or 0


def read(folder: Path, folders: tuple[Path, ...] = ()) -> Record:
    """The record of a folder; never raises for what is in it.

    Args:
        folder: of a run.
        folders: of configs, whose evaluations are known by name; vaelab's own where none is given.
    """
    known = options(*folders)
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
    first = own(config, results, known)
    others, unread = later(folder, first, known)
    return Record(
        folder=folder,
        status=status,
        reason="; ".join([*why, *([str(results["reason"])] if results.get("reason") else [])]),
        config=identity.YOUNGER | config if config else {},
        results=results,
        typed=[str(text) for text in typed] if isinstance(typed, list) else [],
        history=History.read(folder / "metrics.csv"),
        evaluations=(first, *others),
        shown=first,
        unread=tuple(unread),
    )


def mapping(path: Path) -> Settings:
    """A YAML file's mapping; empty where there is none or it is damaged."""
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return {str(key): value for key, value in found.items()} if isinstance(found, dict) else {}
