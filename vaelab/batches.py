"""Which examples an update sees, and how updates are handed to Lightning."""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

from vaelab import distributed
from vaelab.progress import Progress


def draw_distinct(size: int, count: int, seed: int) -> Tensor:
    """`count` distinct numbers below `size`, uniformly, int64 on the CPU, as a function of seed.

    Rejection keeps the cost at the size of the batch; a permutation of 50,000 costs more than an
    encoder step of a small network.
    """
    generator = torch.Generator().manual_seed(seed)
    count = min(count, size)
    if 4 * count > size:
        return torch.randperm(size, generator=generator)[:count]
    drawn = torch.randint(size, (2 * count,), generator=generator).tolist()
    distinct = list(dict.fromkeys(drawn))
    while len(distinct) < count:
        drawn = torch.randint(size, (count,), generator=generator).tolist()
        distinct = list(dict.fromkeys(distinct + drawn))
    return torch.tensor(distinct[:count])


@runtime_checkable
class Trained(Protocol):
    """What blocks are made for."""

    progress: Progress
    steps_per_epoch: int


class Blocks:
    """The updates of one epoch as blocks of about a quarter of a second.

    Iterating starts where the task is, so that a resumed epoch makes only the updates that are
    left. Block sizes change nothing but how often Lightning's hooks run; several processes have the
    same, since they agree on what to do at the end of each.
    """

    seconds = 0.25

    def __init__(self, task: Trained) -> None:
        self.task = task

    def __iter__(self) -> Iterator[range]:
        start = self.task.progress.step
        if start == self.task.steps_per_epoch:
            yield range(start, start)  # stopped before validation, which comes after a block
        while start < self.task.steps_per_epoch:
            stop = min(start + self.size(), self.task.steps_per_epoch)
            yield range(start, stop)
            start = stop

    def size(self) -> int:
        """Updates in the next block."""
        progress = self.task.progress
        each = progress.seconds / progress.updates if progress.updates else self.seconds
        each = distributed.largest(each)
        return max(1, min(200, int(self.seconds / each)))
