"""This process's batches: cut by an order, read on the device."""

from collections.abc import Iterator
from itertools import islice

import torch
from torch import Tensor

from vaelab import distributed
from vaelab.batch import Batch
from vaelab.dataset.base import Split, Splits
from vaelab.errors import UserError
from vaelab.order import Prebuilt, order_of
from vaelab.seeding import seed_noise


class Feed:
    """Training batches by epoch and step, random ones, and those of validation.

    Args:
        splits: the data, on `device`.
        size: examples of a batch, over all processes together.
        seed: of the run.
        device: the training device.
    """

    def __init__(self, splits: Splits, size: int, seed: int, device: torch.device) -> None:
        self.splits = splits
        self.device = device
        self.training = order_of(splits.train, size, seed)
        self.validation = order_of(splits.valid, size, seed)
        self.known: dict[int, Batch] = {}

    def at(self, epoch: int, step: int) -> Batch:
        """This process's part of a training batch."""
        return self.part(self.training.batch(epoch, step))

    def random(self, *seed: int | str) -> Batch:
        """This process's part of a random training batch."""
        return self.part(self.training.drawn(*seed))

    def part(self, index: Tensor) -> Batch:
        """This process's rows of a training batch of all processes, as they are read now.

        Batches that are the same every epoch are read once: gathering the rows of a small one
        costs a thirtieth of its update.
        """
        if not isinstance(self.training, Prebuilt):
            return self.part_of(index)
        if (known := self.known.get(id(index))) is None:
            known = self.known[id(index)] = self.part_of(index)
        return known

    def part_of(self, index: Tensor) -> Batch:
        """The same, read anew."""
        world, total, rank = distributed.world_size(), len(index), distributed.rank()
        if world == 1:
            return self.read(self.splits.train, index)
        if rank >= total:  # a network must see something, which then counts nowhere
            return self.read(self.splits.train, index[:1])._replace(weight=0.0)
        mine = index[rank::world]
        return self.read(self.splits.train, mine)._replace(weight=len(mine) * world / total)

    def held_out(self) -> Iterator[Batch]:
        """This process's validation batches, whole ones.

        With several processes each batch has noise of its own, whoever validates it; that of the
        epoch must be seeded, in all processes alike.
        """
        world, rank = distributed.world_size(), distributed.rank()
        drawn = int(torch.randint(2**62, ())) if world > 1 else 0
        for number, index in islice(enumerate(self.validation.in_turn()), rank, None, world):
            if world > 1:
                seed_noise(self.device, drawn, number)
            yield self.read(self.splits.valid, index)

    def check(self) -> None:
        """Refuse more processes than there are batches to validate.

        Raises:
            UserError: one would have none.
        """
        world, batches = distributed.world_size(), self.validation.steps
        if world > batches:
            raise UserError(
                f"lightning.devices: {world} processes and only {batches} batches of validation "
                "data; use fewer processes or a smaller batch_size"
            )

    def read(self, split: Split, index: Tensor) -> Batch:
        """Rows of a split."""
        predicted = split.predicted(index)
        count = None if predicted is None else int(predicted.sum())
        return Batch(split[index], index.to(self.device), count)
