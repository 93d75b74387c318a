"""Splits and binarisations that a seed determines, on numpy's frozen legacy generator.

`RandomState` streams never change between numpy versions, and are what the papers' codes use.
"""

from collections.abc import Collection

import numpy as np

from vaelab.errors import UserError


def shuffled_rows(count: int, seed: int) -> np.ndarray:
    """A permutation of 0..count-1: `RandomState(seed).permutation`."""
    return np.random.RandomState(seed).permutation(count)


def hold_out(rows: np.ndarray, *sizes: int) -> tuple[np.ndarray, ...]:
    """`rows` without its end, then consecutive parts of that end of the given sizes."""
    bounds = np.cumsum([len(rows) - sum(sizes), *sizes[:-1]])
    return tuple(np.split(rows, bounds))


def binarise_once(seed: int, *probabilities: np.ndarray) -> tuple[np.ndarray, ...]:
    """One Bernoulli draw of every pixel of each array in turn, from one stream; uint8.

    Equals `numpy.random.seed(seed)` followed by `numpy.random.binomial(1, p)` for each array.
    """
    stream = np.random.RandomState(seed)
    return tuple(stream.binomial(1, p).astype(np.uint8) for p in probabilities)


def check_protocol(dataset: str, protocol: str, allowed: Collection[str]) -> None:
    """Refuse a protocol that no paper uses on this data set.

    Raises:
        UserError: names those that make sense.
    """
    if protocol not in allowed:
        raise UserError(
            f"dataset.protocol={protocol} does not exist for {dataset}; "
            f"use {' or '.join(f'protocol={name}' for name in allowed)}"
        )


def check_no_seed(protocol: str, binarise_seed: int | None) -> None:
    """Refuse a binarisation seed where every use draws anew.

    Raises:
        UserError: a seed was given.
    """
    if binarise_seed is not None:
        raise UserError(
            f"dataset.binarise_seed={binarise_seed} has no effect with protocol={protocol}, which "
            "binarises anew at every use; leave binarise_seed=null"
        )
