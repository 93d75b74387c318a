"""Which rows make batch b of epoch e, as a function of the seed: resuming needs no state."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import torch
from jaxtyping import Integer
from torch import Tensor

from vaelab.batches import draw_distinct
from vaelab.dataset.base import Split
from vaelab.seeding import permutation, seed_from


class Order(ABC):
    """How a split is cut into batches.

    Attributes:
        steps: batches in an epoch.
    """

    steps: int

    @abstractmethod
    def batch(self, epoch: int, step: int) -> Integer[Tensor, "B"]:
        """Rows of one batch; over an epoch, every row once."""

    @abstractmethod
    def drawn(self, *seed: int | str) -> Integer[Tensor, "B"]:
        """Rows of a random batch, for inner loops."""

    @abstractmethod
    def in_turn(self) -> Iterator[Integer[Tensor, "B"]]:
        """Every row once, always in the same batches."""


class Shuffled(Order):
    """A new permutation of all rows every epoch.

    Random batches are drawn without replacement from the whole split.

    Args:
        rows: in the split.
        size: of a batch; the last is smaller if it must be.
        seed: of the run.
        device: where rows are wanted.
    """

    def __init__(self, rows: int, size: int, seed: int, device: torch.device) -> None:
        self.rows = rows
        self.size = size
        self.seed = seed
        self.device = device
        self.steps = -(-rows // size)
        self.order = torch.empty(0, dtype=torch.int64)
        self.epoch = -1

    def batch(self, epoch: int, step: int) -> Integer[Tensor, "B"]:
        """A part of the epoch's permutation, which stays on the device while the epoch lasts."""
        if self.epoch != epoch:
            self.order = permutation(self.rows, self.seed, "order", epoch).to(self.device)
            self.epoch = epoch
        return self.order[step * self.size : (step + 1) * self.size]

    def drawn(self, *seed: int | str) -> Integer[Tensor, "B"]:
        """Distinct rows."""
        return draw_distinct(self.rows, self.size, seed_from(*seed)).to(self.device)

    def in_turn(self) -> Iterator[Integer[Tensor, "B"]]:
        """Consecutive rows."""
        return iter(torch.arange(self.rows, device=self.device).split(self.size))


class Prebuilt(Order):
    """The same batches every epoch, in an order of its own.

    Random batches are whole batches, uniformly and with replacement: a sentence of a small batch
    is drawn more often than one of a full batch (the lagging-inference authors' code).

    Args:
        batches: rows of each, on the CPU.
        seed: of the run.
    """

    def __init__(self, batches: list[Integer[Tensor, "B"]], seed: int) -> None:
        self.batches = batches
        self.seed = seed
        self.steps = len(batches)
        self.order: list[int] = []
        self.epoch = -1

    def batch(self, epoch: int, step: int) -> Integer[Tensor, "B"]:
        """One of the batches."""
        if self.epoch != epoch:
            self.order = permutation(self.steps, self.seed, "order", epoch).tolist()
            self.epoch = epoch
        return self.batches[self.order[step]]

    def drawn(self, *seed: int | str) -> Integer[Tensor, "B"]:
        """One of the batches."""
        return self.batches[seed_from(*seed) % self.steps]

    def in_turn(self) -> Iterator[Integer[Tensor, "B"]]:
        """As they were made."""
        return iter(self.batches)


def order_of(split: Split, size: int, seed: int) -> Order:
    """How batches of at most `size` are made of a split."""
    batches = split.batches(size)
    if batches is None:
        return Shuffled(len(split), size, seed, split.x.device)
    return Prebuilt(batches, seed)
