"""Runs that differ in their seed only: mean, and standard deviation over seeds."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vaelab.composing import identity
from vaelab.report.record import Record


@dataclass(frozen=True)
class Spread:
    """One metric over seeds.

    Attributes:
        sd: with n - 1; None for one seed, or for values that are not finite.
        n: seeds that have the metric.
    """

    mean: float
    sd: float | None
    n: int


@dataclass(frozen=True)
class Group:
    """Runs of the same settings and data, evaluated alike and marked alike.

    Attributes:
        members: their places among all records.
    """

    members: tuple[int, ...]
    records: tuple[Record, ...]

    @property
    def seeds(self) -> list[int]:
        """Each once."""
        return sorted({record.seed for record in self.records if record.seed is not None})

    @property
    def names(self) -> list[str]:
        """Metrics that any of them has."""
        return list(dict.fromkeys(name for one in self.records for name in one.metrics))

    def spread(self, name: str) -> Spread | None:
        """Of one metric; runs of one seed (`fresh=true`) are one value, their mean."""
        found: dict[int | None, list[float]] = {}
        for record in self.records:
            value = record.metrics.get(name, {}).get("value")
            if value is not None:
                found.setdefault(record.seed, []).append(value)
        values = [statistics.fmean(one) for one in found.values()]
        if not values:
            return None
        several = len(values) > 1 and all(map(math.isfinite, values))
        return Spread(
            mean=math.fsum(values) / len(values) if several else statistics.fmean(values),
            sd=statistics.stdev(values) if several else None,
            n=len(values),
        )


def groups(records: Sequence[Record]) -> list[Group]:
    """In the order of their first run; a run that cannot be read is in none."""
    found: dict[Any, list[list[int]]] = {}
    for place, record in enumerate(records):
        if not record.config:
            continue
        like = found.setdefault(alike(record), [])
        mates = (one for one in like if all(comparable(records[at], record) for at in one))
        if (mate := next(mates, None)) is None:
            like.append([place])
        else:
            mate.append(place)
    every = sorted(places for like in found.values() for places in like)
    return [Group(tuple(places), tuple(records[at] for at in places)) for places in every]


def alike(record: Record) -> tuple[str, str]:
    """What runs must share to be seeds of each other: settings and marks.

    A run that has no numbers yet shares the marks of none.
    """
    return identity.config_hash(record.settings), str(sorted(record.labels))


def comparable(one: Record, other: Record) -> bool:
    """Whether the numbers of two such runs have a mean: of the same data, and measured alike.

    A run without numbers is in nobody's way, but for files of its own that are others.
    """
    if not (one.metrics and other.metrics):
        return None in (one.files, other.files) or one.files == other.files
    assert one.shown is not None
    assert other.shown is not None
    return (
        not other_data(one, other)
        and (one.shown.key, one.split) == (other.shown.key, other.split)
        and all(
            form(one.metrics[name]) == form(other.metrics[name])
            for name in one.metrics
            if name in other.metrics
        )
    )


def other_data(one: Record, other: Record) -> bool:
    """Whether they were trained on other data, as far as both say: versions add to what is said."""
    both = one.data.keys() & other.data.keys()
    return one.files != other.files or any(one.data[name] != other.data[name] for name in both)


def form(metric: Mapping[str, Any]) -> tuple[object, ...]:
    """How a number was measured: its estimator, latents and examples."""
    said = str(metric.get("estimator"))
    # A grid is made finer until the integral settles, in some runs later than in others.
    kind = ("quadrature", "not settled" in said) if said.startswith("quadrature") else said
    return kind, metric.get("samples"), metric.get("n")
