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
        world, total = distributed.world_size(), len(index)
        if world == 1:
            return self.read(self.splits.train, index)
        # A short batch must not leave a process with nothing: it wraps around.
        counted = max(total, world)
        mine = torch.arange(distributed.rank(), counted, world, device=index.device)
        batch = self.read(self.splits.train, index[mine % total])
        return batch._replace(weight=len(mine) * world / counted)

    def held_out(self) -> Iterator[Batch]:
        """This process's validation batches, whole ones."""
        turns = self.validation.in_turn()
        for index in islice(turns, distributed.rank(), None, distributed.world_size()):
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
