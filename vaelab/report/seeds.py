"""Runs that differ in their seed only: mean, and standard deviation over seeds."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vaelab import identity
from vaelab.evaluated import FORM
from vaelab.identity import canonical
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
    """Runs of the same settings, evaluated alike and marked alike.

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
    found: dict[Any, list[int]] = {}
    for place, record in enumerate(records):
        if record.config:
            found.setdefault(alike(record), []).append(place)
    return [
        Group(tuple(places), tuple(records[place] for place in places)) for places in found.values()
    ]


def alike(record: Record) -> tuple[str, str, str]:
    """What runs must share for their numbers to be averaged.

    Settings, evaluation and marks. A run that has no numbers yet shares the marks of none.
    """
    same = identity.config_hash(record.settings)
    return same, str(sorted(numbers(record.config).items())), str(sorted(record.labels))


def numbers(config: Mapping[str, Any]) -> dict[str, Any]:
    """The evaluation's settings that decide its numbers."""
    node = canonical(config.get("evaluation") or {})
    return {key: value for key, value in node.items() if key not in FORM}
