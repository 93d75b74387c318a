"""Fewer training and validation examples than a data set has, for runs that only try something."""

from dataclasses import replace

from vaelab.dataset.base import Split, Splits
from vaelab.seeding import permutation


def limited(splits: Splits, count: int | None) -> Splits:
    """At most `count` examples each of training and validation, the same ones for every seed.

    Test data stay whole: how many of them are looked at is the evaluation's setting.
    """
    if count is None:
        return splits
    return replace(
        splits,
        train=_first(splits.train, count, "train"),
        valid=_first(splits.valid, count, "valid"),
    )


def reduced(count: int | None) -> tuple[str, ...]:
    """The label that every result of a limited run carries."""
    return () if count is None else (f"reduced: {count:,} training examples at most",)


def _first(split: Split, count: int, name: str) -> Split:
    rows = permutation(len(split), "max_examples", name)[:count]
    return split.take(rows)
