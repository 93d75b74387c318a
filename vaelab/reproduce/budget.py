"""How much of the paper's training and evaluation a reproduction spends.

A YAML in configs/budget. Every limit is "at most": what a preset already does with less stays.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from vaelab.composing import groups
from vaelab.composing.spelling import nearest
from vaelab.errors import UserError
from vaelab.reproduce.spec import check, read_yaml

FULL = "full"
# Where each limit lies in a run's config.
PLACES = {
    "epochs": "epochs",
    "warmup": "beta.warmup",
    "patience": "patience",
    "max_examples": "max_examples",
    "samples": "evaluation.samples",
    "examples": "evaluation.examples",
    "autoregressive_samples": "evaluation.autoregressive_samples",
    "autoregressive_examples": "evaluation.autoregressive_examples",
}


class NotInBudget(UserError):
    """A cell shows what this budget does not reach: it is neither run nor missed."""


@dataclass(frozen=True)
class Budget:
    """Limits; None: none.

    Attributes:
        means: one line that says what it is.
        warmup: epochs of rising beta.
        max_examples: of the training and of the validation data.
        seeds: of a cell.
        samples: latents for each test example.
        examples: of the test data.
    """

    name: str
    means: str
    epochs: int | None
    warmup: int | None
    patience: int | None
    max_examples: int | None
    seeds: int | None
    samples: int | None
    examples: int | None
    autoregressive_samples: int | None
    autoregressive_examples: int | None

    @property
    def full(self) -> bool:
        """Whether a result may be held against the paper's."""
        return all(getattr(self, name) is None for name in (*PLACES, "seeds"))

    def leaves_out(self, config: Mapping[str, Any]) -> str | None:
        """Why what a config evaluates is no part of this budget, in words; None if it is."""
        epoch = config["evaluation"].get("epoch")
        if self.epochs is None or not isinstance(epoch, int) or epoch <= self.epochs:
            return None
        return f"epoch {epoch} of at most {self.epochs}"

    def overrides(self, config: Mapping[str, Any]) -> list[str]:
        """What brings a run's config within the limits.

        A setting that is null ("all", "never") counts as more than any limit; one that the config
        does not have (the warm-up of a constant beta) needs none.
        """
        changed = []
        for name, place in PLACES.items():
            limit = getattr(self, name)
            holder, _, key = place.rpartition(".")
            node = config.get(holder, {}) if holder else config
            if limit is None or key not in node:
                continue
            # What is not a number is refused later, with everything else that is wrong.
            value = math.inf if node[key] is None else node[key]
            if isinstance(value, int | float) and value > limit:
                changed.append(f"{place}={limit}")
        return changed


def find(name: str, *folders: Path) -> Budget:
    """The budget of this name.

    Raises:
        UserError: there is none, or its YAML is wrong.
    """
    known = groups.options("budget", *folders)
    if name not in known:
        raise UserError(f"budget={name}: no such budget{nearest(name, list(known))}")
    path = known[name]
    given = read_yaml(path)
    limits = {one.name: int | None for one in fields(Budget) if one.name not in ("name", "means")}
    check(path, "", given, limits)
    for limit in limits:
        if limit not in given:
            raise UserError(f"{path}: {limit} is missing; null is no limit")
        if given[limit] is not None and given[limit] < 1:
            raise UserError(f"{path}: {limit}={given[limit]}: must be at least 1, or null")
    return Budget(name, groups.description(path), **given)
