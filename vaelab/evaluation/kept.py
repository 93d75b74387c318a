"""The part of a long evaluation that is done, in a file: a killed one goes on from there."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

FORMAT = 2  # of the file: 2 has IWAE-k
EVERY = 60.0  # seconds between two writes; a shorter evaluation writes nothing


@dataclass(frozen=True)
class Part:
    """What evaluation finds for each of B examples; tensors on the CPU, but for those in use.

    Attributes:
        scores: by name, what importance sampling gives.
        mean: of the posterior of the level that q draws first.
        log_var: of the posterior of the level that q draws first.
        z: one sample of it.
        means: posterior mean of every level.
        gaussian: whether mean and log_var are all of that posterior.
    """

    scores: dict[str, Float[Tensor, "B"]]
    mean: Float[Tensor, "B D"]
    log_var: Float[Tensor, "B D"]
    z: Float[Tensor, "B D"]
    means: list[Float[Tensor, "B D"]]
    gaussian: bool = True


class Kept:
    """Finished parts, in order.

    Args:
        path: of the file; removed when the evaluation is done.
        key: what the parts are of (settings, data, weights); parts of another key,
            or from before what they hold was changed, are forgotten.
        every: seconds between two writes.
    """

    def __init__(self, path: Path, key: str, every: float = EVERY) -> None:
        self.path = path
        self.key = key
        self.every = every
        self.parts = self._read()
        self.written = time.monotonic()

    def add(self, part: Part) -> None:
        """One more; the file is replaced at once, never half written."""
        self.parts.append(part)
        if time.monotonic() - self.written < self.every:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        aside = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        parts = [vars(part) for part in self.parts]
        torch.save({"format": FORMAT, "key": self.key, "parts": parts}, aside)
        aside.replace(self.path)
        self.written = time.monotonic()

    def discard(self) -> None:
        """The evaluation is done."""
        self.path.unlink(missing_ok=True)

    def _read(self) -> list[Part]:
        try:
            content: dict[str, Any] = torch.load(self.path, weights_only=True)
        except (OSError, RuntimeError, EOFError, UnpicklingError):  # none, or not one of ours
            return []
        if (content.get("format"), content.get("key")) != (FORMAT, self.key):
            return []
        return [Part(**part) for part in content["parts"]]
