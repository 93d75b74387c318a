"""Averages over processes and what they agree on; the identity with one process.

Gradients are averaged here and not by DistributedDataParallel: `backward(inputs=...)`, which
inner loops need, never wakes its reducer.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from vaelab.errors import UserError

Made = TypeVar("Made")


def world_size() -> int:
    """Number of processes that train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """This process's number among them."""
    return dist.get_rank() if dist.is_available() and dist.is_initialized() else 0


def average_gradients(parameters: Sequence[nn.Parameter]) -> None:
    """Replace each gradient by its mean over processes; a missing one counts as zero."""
    if world_size() == 1:
        return
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([g.flatten() for g in gradients])
    dist.all_reduce(flat)
    flat /= world_size()
    pieces = flat.split([g.numel() for g in gradients])
    for gradient, piece in zip(gradients, pieces, strict=True):
        gradient.copy_(piece.view_as(gradient))


def average_buffers(module: nn.Module) -> None:
    """Replace a module's running statistics by their means over processes."""
    if world_size() > 1:
        for buffer in module.buffers():
            if buffer.is_floating_point():
                dist.all_reduce(buffer)
                buffer /= world_size()


def sum_over_ranks(value: Tensor) -> Tensor:
    """The sum of a tensor over processes."""
    if world_size() > 1:
        value = value.clone()
        dist.all_reduce(value)
    return value


def gathered(rows: Tensor) -> Tensor:
    """Every process's rows, one process after the other; each may have another number of them."""
    if world_size() == 1:
        return rows
    counts = [torch.zeros((), dtype=torch.int64, device=rows.device) for _ in range(world_size())]
    dist.all_gather(counts, torch.tensor(len(rows), device=rows.device))
    most = max(int(count) for count in counts)
    padded = torch.cat([rows, rows.new_zeros(most - len(rows), *rows.shape[1:])])
    found = [torch.empty_like(padded) for _ in counts]
    dist.all_gather(found, padded)
    return torch.cat([part[: int(n)] for part, n in zip(found, counts, strict=True)])


def from_first(tensors: Sequence[Tensor]) -> None:
    """Overwrite tensors with the first process's."""
    if world_size() > 1:
        for tensor in tensors:
            dist.broadcast(tensor, src=0)


def largest(value: float) -> float:
    """The largest of the processes' numbers, so that all of them decide by the same one."""
    if world_size() == 1:
        return value
    both = torch.tensor(value, dtype=torch.float64)
    dist.all_reduce(both, dist.ReduceOp.MAX, group=by_cpu())
    return float(both)


def any_of(flag: bool) -> bool:
    """Whether a flag is up in any process."""
    return bool(largest(float(flag)))


def everyones(value: Any) -> list[Any]:
    """Each process's value, by rank; any that can be pickled."""
    if world_size() == 1:
        return [value]
    found: list[Any] = [None] * world_size()
    dist.all_gather_object(found, value, group=by_cpu())
    return found


def total(count: int) -> int:
    """The sum of a number over processes."""
    return sum(everyones(count))


def shared_out(make: Callable[[int], Made], numbers: range) -> Iterator[Made]:
    """make(n) of every number, in order; processes take turns at making, and all get everything.

    Raises:
        UserError: in all processes, where one of them met it.
    """
    world = world_size()
    if world == 1:
        yield from map(make, numbers)
        return
    for start in range(numbers.start, numbers.stop, world):
        mine, fault = None, None
        if (number := start + rank()) < numbers.stop:
            try:
                mine = make(number)
            except UserError as error:
                fault = str(error)
        found = everyones((mine, fault))
        for made, fault in found[: numbers.stop - start]:
            if fault is not None:
                raise UserError(fault)
            yield made


def leave() -> None:
    """Go on alone: what follows is this process's own."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def by_cpu() -> Any:
    """The group for numbers that no device knows of: NCCL would make them wait for it."""
    world = dist.group.WORLD
    return world if dist.get_backend() == "gloo" else _gloo_beside(world)


@cache
def _gloo_beside(_: Any) -> Any:
    """Made by all processes at once, where they first agree on something; one a group."""
    return dist.new_group(backend="gloo")
