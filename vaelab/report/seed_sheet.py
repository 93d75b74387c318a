"""The table with a row for runs that differ in their seed only."""

import statistics
from collections.abc import Mapping

from vaelab.report import words
from vaelab.report.collapse import collapse
from vaelab.report.report import SHOWN, Report
from vaelab.report.run_sheet import COLLAPSE, DATA, KIND
from vaelab.report.seeds import Group
from vaelab.report.shape import finite
from vaelab.report.sheet import Cell, Column, Sheet, word

FEW = 4  # values of a setting that a row says


def seed_sheet(report: Report) -> Sheet:
    """Means over seeds; ± is the standard deviation over seeds."""
    tip = "mean over seeds; ± is the standard deviation over seeds, none for one seed"
    columns = [
        *([] if report.settings else [Column("run")]),
        *(Column(name, "setting") for name in report.settings),
        *([Column("data", "setting", DATA)] if report.data else []),
        Column("seeds", "number"),
        Column("status", "setting", usual="complete"),
        *(Column(words.spelt(n), "number", tip, n in SHOWN) for n in report.metrics),
        Column("collapse", "text", f"{COLLAPSE}; in how many runs", usual="no"),
        Column("labels", "text", shown=any(one.labels for one in report.records), usual=""),
    ]
    digits = {name: decimals(report, name) for name in report.metrics}
    rows = [row(report, group, digits) for group in report.groups]
    members = [list(group.members) for group in report.groups]
    return Sheet(columns, rows, members, list(report.measures.notes()))


def decimals(report: Report, name: str) -> int:
    """As many as the usual deviation over seeds supports; without any, those of a run."""
    spreads = [spread for group in report.groups if (spread := group.spread(name))]
    found = [spread.sd for spread in spreads if spread.sd]
    return words.decimals(statistics.median(found)) if found else report.decimals[name]


def row(report: Report, group: Group, digits: Mapping[str, int]) -> list[Cell]:
    """Of one group."""
    names = [] if report.settings else [word(group.records[0].folder.parent.name)]
    seeds = ", ".join(map(str, group.seeds))
    return [
        *names,
        *(setting(report, group, name) for name in report.settings),
        *([word(report.data[group.members[0]])] if report.data else []),
        Cell(str(len(group.seeds)), len(group.seeds), f"seeds {seeds}; {runs(group)}"),
        status(group),
        *(metric(report, group, name, digits[name]) for name in report.metrics),
        collapsed(group),
        word(", ".join(dict.fromkeys(label for one in group.records for label in one.labels))),
    ]


def setting(report: Report, group: Group, name: str) -> Cell:
    """Its value; all of them where it makes no other numbers, as the splits of an evaluation."""
    found = dict.fromkeys(report.flats[place].get(name) for place in group.members)
    said = [value for value in found if value is not None]
    more = f"; … ({len(said)} values)" if len(said) > FEW else ""
    return word("; ".join(said[:FEW]) + more)


def runs(group: Group) -> str:
    """How many."""
    return f"{len(group.records)} run{'s' if len(group.records) > 1 else ''}"


def status(group: Group) -> Cell:
    """One word where all have it, else how many of each."""
    found: dict[str, int] = {}
    for record in group.records:
        found[record.status] = found.get(record.status, 0) + 1
    parts = [f"{count} {name}" for name, count in found.items()]
    text = next(iter(found)) if len(found) == 1 else ", ".join(parts)
    reasons = dict.fromkeys(one.reason for one in group.records if one.reason)
    kinds = [KIND[name] for name in found if name in KIND]
    return Cell(text, text, "; ".join(reasons), min(kinds, default=""))  # "bad" before "warn"


def metric(report: Report, group: Group, name: str, digits: int) -> Cell:
    """Mean ± standard deviation over seeds."""
    spread = group.spread(name)
    if spread is None:
        return Cell()
    text = words.about(spread.mean, spread.sd, digits)
    if name == "au":  # a count: its mean has one decimal
        sd = "" if spread.sd is None else f" ± {spread.sd:.1f}"
        mean = f"{spread.mean:.{int(spread.n > 1)}f}"
        text = f"{mean}{sd} of {group.records[0].units}"
    several = f"{spread.n} seeds" if spread.n > 1 else "one seed"
    fewer = f", of {len(group.seeds)}" if spread.n < len(group.seeds) else ""
    first = next(one for one in group.records if name in one.metrics)
    tip = words.measured(first.metrics[name], first.split).partition("; ±")[0]
    text += f" ({spread.n} of {len(group.seeds)} seeds)" if fewer else ""
    letters = report.measures.letters(name, group.records)
    return Cell(text, finite(spread.mean), f"{several}{fewer}; each {tip}", letter=letters)


def collapsed(group: Group) -> Cell:
    """In how many of the runs."""
    said = [found for one in group.records if (found := collapse(one)) is not None]
    likely = [one for one in said if one]
    if not said:
        return Cell()
    text = f"likely in {len(likely)} of {len(said)}" if likely else "no"
    return Cell(text, len(likely), "; ".join(dict.fromkeys(likely)), "warn" if likely else "")
