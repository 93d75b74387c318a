"""Tables of runs, one for each sweep."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from vaelab.composing.spelling import duration
from vaelab.reporting import runs
from vaelab.reporting.row import Row

STYLES = {"running": "cyan", "complete": "green", "failed": "red", "damaged": "red"}
STYLES |= {"interrupted": "yellow", "pruned": "dim", "waiting": "dim", "planned": "dim"}
ORDER = ("running", "failed", "damaged", "interrupted", "waiting", "planned", "pruned", "complete")


def tables(groups: list[runs.Group], plain: bool = False) -> RenderableType:
    """One table a group under its title; `plain` without lines, for pipes."""
    shown: list[RenderableType] = []
    for group in groups:
        shown += [heading(group), table(group, plain)]
    return Group(*shown) if shown else Text("no runs")


def heading(group: runs.Group) -> Text:
    """Which sweep it is and how far."""
    return Text(f"{title(group)}: {group.line()}", style="bold")


def title(group: runs.Group) -> str:
    """Which sweep it is."""
    if group.sweep is None:
        return "runs"
    return " ".join(filter(None, ("sweep", group.sweep.name, group.sweep.title)))


def table(group: runs.Group, plain: bool = False) -> Table:
    """One row a run."""
    made = Table(box=None if plain else box.ROUNDED, pad_edge=not plain)
    labelled = group.sweep is not None
    columns = ("state", "epoch", "ELBO", "KL", "active", "left", "heard")
    for name in (*(["run"] if labelled else []), *columns, "folder"):
        right = name in columns[2:]
        made.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in group.rows:
        state = Text(row.state, style=STYLES.get(row.state, ""))
        state.append(f" {row.why}" if row.why else "", style="not bold")
        cells = [
            state,
            epoch(row),
            "" if row.elbo is None else f"{row.elbo:.2f}",
            "" if row.kl is None else f"{row.kl:.2f}",
            units(row),
            "" if row.left is None else duration(row.left),
            "" if row.heard is None else duration(row.heard),
            Text(relative(row.folder)),
        ]
        made.add_row(*([Text(row.label)] if labelled else []), *cells)
    return made


def epoch(row: Row) -> str:
    """Where training is: "3/100", "3/100 batch 40/500", "100/100 evaluating"."""
    if row.epoch is None:
        return row.stage
    said = f"{row.epoch}/{row.epochs}" if row.epochs else f"{row.epoch}"
    if row.batch is not None and row.batches:
        said += f" batch {row.batch}/{row.batches}"
    return f"{said} {row.stage}" if row.stage in ("starting", "evaluating") else said


def units(row: Row) -> str:
    """Active units, of all where that is known."""
    if row.active is None:
        return ""
    return f"{row.active}/{row.units}" if row.units else f"{row.active}"


def importance(row: Row) -> int:
    """What is going on first, what is over last."""
    return ORDER.index(row.state) if row.state in ORDER else 0


def relative(folder: Path) -> str:
    """As it can be typed from here."""
    return str(folder.relative_to(Path.cwd())) if folder.is_relative_to(Path.cwd()) else str(folder)


def fitted(groups: Sequence[runs.Group], console: Console) -> RenderableType:
    """As many rows as a terminal has lines for, the most important ones; of others the number."""
    ordered = sorted(groups, key=lambda group: not group.busy)
    ordered = [replace(one, rows=sorted(one.rows, key=importance)) for one in ordered]
    ranked = sorted((importance(row), n) for n, one in enumerate(ordered) for row in one.rows)

    def first(count: int) -> RenderableType:
        return shortened(ordered, Counter(n for _, n in ranked[:count]))

    def too_high(count: int) -> bool:
        return len(console.render_lines(first(count), pad=False)) > console.height

    # A row has at least one line.
    fitting = bisect_left(range(min(len(ranked), console.height) + 1), True, key=too_high)
    return first(max(0, fitting - 1))


def shortened(groups: list[runs.Group], kept: Mapping[int, int]) -> RenderableType:
    """So many rows of each group, and how many others there are."""
    shown: list[RenderableType] = []
    hidden: list[Row] = []
    for number, group in enumerate(groups):
        count = kept.get(number, 0)
        if count:
            shown += [heading(group), table(replace(group, rows=group.rows[:count]))]
        hidden += group.rows[count:]
    if hidden:
        states = Counter(row.state for row in sorted(hidden, key=importance))
        counted = ", ".join(f"{count} {state}" for state, count in states.items())
        shown.append(Text(f"and {len(hidden)} more: {counted}", style="dim"))
    return Group(*shown) if shown else tables([])
