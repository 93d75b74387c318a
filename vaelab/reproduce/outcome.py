"""What came of each cell: our number beside the paper's, and whether it may be judged."""

import math
import statistics
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from vaelab.reproduce.spec import Cell, Table


@dataclass(frozen=True)
class Trained:
    """One seed of a cell.

    Attributes:
        status: of the run, or "not evaluated" where its results are of another evaluation.
        value: what the cell shows, in its unit; None until there is one.
        se: standard error of `value`; over the examples, where the estimator is by example.
        estimator: of the metric, as results.json says it.
        samples: latents for each example.
        n: examples.
        split: what they are of.
        labels: marks the run carries, such as "stand-in".
        seconds: it took, evaluation included.
        epochs: it was trained for.
    """

    seed: int
    folder: Path
    command: str
    status: str
    reason: str | None = None
    value: float | None = None
    se: float | None = None
    estimator: str | None = None
    samples: int | None = None
    n: int | None = None
    split: str = "test"
    labels: tuple[str, ...] = ()
    seconds: float | None = None
    epochs: int | None = None


@dataclass(frozen=True)
class Outcome:
    """One cell.

    Attributes:
        runs: one for each seed; none where the cell is quoted, refused or left out.
        refused: why nothing can be run for it.
        left_out: why it is no part of this budget: nothing is run for it, and nothing is missing.
        marks: why it is not what the paper did ("budget=smoke", "changed: epochs=3"); a cell with
            any mark is never judged.
    """

    cell: Cell
    runs: tuple[Trained, ...] = ()
    refused: str | None = None
    marks: tuple[str, ...] = ()
    left_out: str | None = None

    @property
    def values(self) -> list[float]:
        """Of the seeds that have one."""
        return [run.value for run in self.runs if run.value is not None]

    @property
    def mean(self) -> float | None:
        """Over seeds."""
        return statistics.fmean(self.values) if self.values else None

    @property
    def spread(self) -> float | None:
        """Standard deviation over seeds (n - 1); None for fewer than two, or for no numbers."""
        several = len(self.values) > 1 and all(map(math.isfinite, self.values))
        return statistics.stdev(self.values) if several else None

    @property
    def se(self) -> float | None:
        """Standard error where there is one seed; None for more."""
        errors = [run.se for run in self.runs if run.value is not None]
        return errors[0] if len(errors) == 1 else None

    @property
    def difference(self) -> float | None:
        """Ours - published."""
        if self.mean is None or self.cell.published is None or self.cell.quoted:
            return None
        return self.mean - self.cell.published

    @property
    def caveats(self) -> tuple[str, ...]:
        """Every reason not to judge: marks, labels of the runs, seeds that are missing."""
        labels = {label: None for run in self.runs for label in run.labels}
        missing = len(self.runs) - len(self.values)
        seeds = (f"{len(self.values)} of {len(self.runs)} seeds",) if missing else ()
        return (*self.marks, *labels, *seeds)

    @property
    def inside(self) -> bool | None:
        """Whether the difference lies in the band; None where it cannot or may not be said."""
        if self.difference is None or self.cell.band is None or self.caveats:
            return None
        if not math.isfinite(self.difference):
            return None
        low, high = self.cell.band
        return low <= self.difference <= high

    @property
    def wanted(self) -> bool:
        """Whether a number of ours belongs here at this budget."""
        return not self.cell.quoted and self.left_out is None

    @property
    def finished(self) -> bool:
        """Whether every number that it needs of ours is there."""
        if not self.wanted:
            return True
        return self.refused is None and len(self.values) == len(self.runs)

    @property
    def verdict(self) -> str:
        """In words."""
        if self.cell.quoted:
            return "quoted"
        if self.left_out is not None:
            return f"not in this budget: {self.left_out}"
        if self.refused is not None:
            return f"refused: {self.refused}"
        if not self.values:
            return self.status
        if self.caveats:
            return "not judged: " + ", ".join(self.caveats)
        if self.cell.published is None:
            return "no published figure"
        if self.inside is None:
            return "no band"
        return "inside the band" if self.inside else "outside the band"

    @property
    def status(self) -> str:
        """Of the runs, the least finished first; a failure with its reason."""
        order = ("failed", "interrupted", "running", "new", "not evaluated")
        for status in order:
            for run in self.runs:
                if run.status == status:
                    why = f": {run.reason}" if status == "failed" and run.reason else ""
                    return ("not run" if status == "new" else status) + why
        return self.runs[0].status if self.runs else "not run"


@dataclass(frozen=True)
class Report:
    """A table with what came of it; everything the pages show.

    Attributes:
        budget: name, and one line that says what it means.
        command: that makes it.
        extra: overrides that were given for all cells and change what they are.
        pictures: of the table's diagnosis.
    """

    table: Table
    budget: tuple[str, str]
    outcomes: list[Outcome]
    command: str
    extra: list[str]
    made: date
    version: str
    commit: str | None
    pictures: tuple[Path, ...] = ()

    def at(self, row: str, column: str) -> Outcome | None:
        """The outcome of one cell; None where the table has none."""
        for outcome in self.outcomes:
            if (outcome.cell.row.name, outcome.cell.column.name) == (row, column):
                return outcome
        return None
