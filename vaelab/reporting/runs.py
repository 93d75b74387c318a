"""What runs are doing, from their files alone: fast, and wherever they were started."""

import os
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vaelab.composing.spelling import duration
from vaelab.reporting.row import OVER, Row, row
from vaelab.sweeps import sweep as swept
from vaelab.sweeps.sweep import Sweep

SWEEPS = ".sweeps"  # where an output folder keeps what was planned
FAILED = ("failed", "damaged")
COUNTED = {"failed": FAILED} | {one: (one,) for one in ("pruned", "interrupted", "running")}


@dataclass(frozen=True)
class Group:
    """The runs of a sweep, or those of none."""

    rows: list[Row]
    sweep: Sweep | None = None
    alive: bool = False

    @property
    def busy(self) -> bool:
        """Whether anything is going on."""
        return self.alive or any(row.state == "running" for row in self.rows)

    def count(self, *states: str) -> int:
        """How many runs are in one of these states."""
        return sum(row.state in states for row in self.rows)

    def line(self) -> str:
        """How far it is: "3 of 12 done, 1 failed, 2 running, 14m05s left"."""
        parts = [f"{self.count('complete')} of {len(self.rows)} done"]
        parts += [f"{n} {name}" for name, states in COUNTED.items() if (n := self.count(*states))]
        if (left := self.left()) is not None:
            parts.append(f"about {duration(left)} left")
        return ", ".join(parts)

    def left(self) -> float | None:
        """Seconds until all are done, if those to come take what is typical of the others."""
        running = [row for row in self.rows if row.state == "running"]
        coming = self.count("waiting", "interrupted") if self.alive else 0
        known = [row.seconds for row in self.rows if row.state in OVER and row.seconds is not None]
        known += [row.left + (row.seconds or 0) for row in running if row.left is not None]
        if not known or not (running or coming):
            return None
        typical = statistics.median(known)
        rest = sum(typical if row.left is None else row.left for row in running)
        longest = max((row.left or 0.0 for row in running), default=0.0)
        return max(longest, (rest + coming * typical) / max(1, len(running)))


def overview(folders: Iterable[Path]) -> list[Group]:
    """Every run below the folders: by sweep, then those of none.

    A run of several sweeps stands in one that somebody is at, else in the largest.
    """
    groups, seen = [], set()
    places = {folder.resolve(): folder for folder in folders}
    found: dict[Path, Path] = {}
    planning: dict[Path, Path] = {}
    for place in places.values():
        for folder, is_run in (*below(place), *above(place)):
            (found if is_run else planning).setdefault(folder.resolve(), folder)
    sweeps = [one for place in planning.values() for one in swept.below(place)]
    sweeps.sort(key=lambda sweep: (not sweep.alive, -len(sweep.cells)))
    inside = tuple(places)
    for sweep in sweeps:
        cells = [
            cell
            for cell in sweep.cells
            if (real := cell.folder.resolve()) not in seen and within(real, inside)
        ]
        if cells:
            seen |= {cell.folder.resolve() for cell in cells}
            groups.append(group(replace(sweep, cells=tuple(cells))))
    rest = [row(run) for real, run in found.items() if real not in seen]
    return [*groups, Group(rest)] if rest else groups


def group(sweep: Sweep) -> Group:
    """The runs of a sweep as they are now."""
    alive = sweep.alive
    rows = [replace(row(cell.folder), label=cell.label) for cell in sweep.cells]
    # A cell without a folder is the sweep's to begin.
    rows = [
        replace(one, state="waiting") if alive and one.state == "planned" else one for one in rows
    ]
    return Group(rows, sweep, alive)


def below(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Folders below one, itself included: those of runs, none inside another, and of their sweeps.

    With each, whether it is a run's.
    """
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    names = {entry.name for entry in entries}
    if "config.yaml" in names:
        yield folder, True
        return
    if SWEEPS in names:
        yield folder, False
    for entry in entries:
        if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
            yield from below(Path(entry.path))


def above(folder: Path) -> Iterator[tuple[Path, bool]]:
    """The folder above that has sweeps, of which there may be runs below this one."""
    for place in folder.resolve().parents:
        if (place / SWEEPS).is_dir():
            yield place, False
            return


def within(path: Path, places: Sequence[Path]) -> bool:
    """Whether a folder is one of these or below one."""
    return any(path.is_relative_to(place) for place in places)
