"""Everything that the pages of a report show, read once."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from vaelab.report import words
from vaelab.report.evaluations import OWN
from vaelab.report.legend import parts
from vaelab.report.measures import Measures
from vaelab.report.published import Beside
from vaelab.report.record import Record
from vaelab.report.seeds import Group, alike, groups, other_data
from vaelab.report.settings import Flat, differing, flat
from vaelab.report.shape import finite

FIRST = ("nll", "elbo", "reconstruction", "kl", "mi", "au", "bpd", "ppl")
SHOWN = ("nll", "elbo", "kl", "mi", "au", "bpd", "ppl", "log_likelihood", "log_likelihood_true")


@dataclass(frozen=True)
class Report:
    """A report.

    Attributes:
        records: the runs.
        settings: names by which the runs differ.
        flats: of each record, its settings by name.
        metrics: names, the usual ones first.
        groups: of runs that differ in their seed only.
        published: cells of papers' tables that some runs are of.
        command: that makes the report.
        asked: whose evaluation is shown, as for `choose`.
    """

    records: Sequence[Record]
    settings: list[str]
    flats: list[Flat]
    metrics: list[str]
    groups: list[Group]
    published: list[Beside]
    command: str
    made: datetime
    version: str
    notes: list[str] = field(default_factory=list)
    asked: str = OWN

    def parts(self, place: int) -> list[str]:
        """What tells a run from others, in words: an entry a setting, and the seed."""
        record = self.records[place]
        found = parts(self.settings, self.flats[place], record.config.get("choices") or {})
        return [*found, "" if record.seed is None else f"seed {record.seed}"]

    @property
    def evaluation(self) -> str:
        """Which evaluation is shown, and which others there are."""
        found: dict[str, int] = {}
        for record in self.records:
            made = {one.option or one.name for one in record.evaluations if one.name != OWN}
            for name in sorted(made - {self.asked}):
                found[name] = found.get(name, 0) + 1
        shown = "each run's own, which it ended with" if self.asked == OWN else self.asked
        more = [f"{name} ({count} run{'s' if count > 1 else ''})" for name, count in found.items()]
        return f"{shown}; evaluation=NAME shows {', '.join(more)}" if more else shown

    @cached_property
    def data(self) -> list[str]:
        """What names each run's data, where runs of the same settings were trained on others."""
        like: dict[object, list[Record]] = {}
        for group in self.groups:
            like.setdefault(alike(group.records[0]), []).append(group.records[0])
        unlike = (other_data(first, one) for first, *more in like.values() for one in more)
        return [record.data_name for record in self.records] if any(unlike) else []

    @cached_property
    def measures(self) -> Measures:
        """How what tables show was measured."""
        return Measures(self.records, [name for name in self.metrics if name in SHOWN])

    @cached_property
    def decimals(self) -> dict[str, int]:
        """Of a metric in a table, the same in every row so that points stand below each other."""
        return {name: words.decimals(self._error(name)) for name in self.metrics}

    def _error(self, name: str) -> float | None:
        found = [finite(record.metrics.get(name, {}).get("se")) for record in self.records]
        errors = [error for error in found if error]
        return statistics.median(errors) if errors else None


def collected(
    records: Sequence[Record],
    published: list[Beside],
    command: str,
    version: str,
    notes: Sequence[str] = (),
    asked: str = OWN,
) -> Report:
    """A report of records."""
    names = dict.fromkeys(name for record in records for name in record.metrics)
    usual = [name for name in FIRST if name in names]
    return Report(
        records=records,
        settings=differing(records),
        flats=[flat(record.settings) for record in records],
        metrics=[*usual, *(name for name in names if name not in usual)],
        groups=groups(records),
        published=published,
        command=command,
        made=datetime.now().astimezone(),
        version=version,
        notes=list(notes),
        asked=asked,
    )
