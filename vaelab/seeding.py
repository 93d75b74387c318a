"""Randomness as a function of where training is, so that resuming needs no generator's state.

The noise of an update is seeded by (run seed, update, rank), the order of an epoch by (run seed,
epoch): a run that is killed and resumed draws what it would have drawn.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


def seed_from(*parts: int | str) -> int:
    """A 63-bit seed that is a pure function of `parts`."""
    digest = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def seed_noise(device: torch.device, *parts: int | str) -> None:
    """Seed the generators that models draw from on `device`.

    torch.manual_seed seeds every backend and costs a quarter of a millisecond a call; this is
    done at every update.
    """
    seed = seed_from(*parts)
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        index = torch.cuda.current_device() if device.index is None else device.index
        torch.cuda.default_generators[index].manual_seed(seed)
    elif device.type != "cpu":
        torch.manual_seed(seed)


def permutation(size: int, *parts: int | str) -> Tensor:
    """A permutation of range(size), int64 [size] on the CPU, that is a function of `parts`."""
    generator = torch.Generator().manual_seed(seed_from(*parts))
    return torch.randperm(size, generator=generator)


@contextmanager
def noise(device: torch.device, *parts: int | str) -> Iterator[None]:
    """Seeded noise inside, the generators as they were afterwards (evaluation, figures)."""
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        seed_noise(device, *parts)
        yield
