"""metrics.csv as it is on disk, a run that is training included, thinned for a page."""

import csv
import io
import math
from dataclasses import dataclass, field
from pathlib import Path

DRAWN = (
    "train/bound", "val/bound", "train/elbo", "val/elbo", "val/kl", "val/mi", "val/mi_ceiling",
    "val/au", "beta",
)  # fmt: skip
POINTS = 120  # of a curve, whatever the number of epochs


@dataclass(frozen=True)
class History:
    """Metrics by epoch; what an epoch lacks it does not have."""

    rows: list[dict[str, float]] = field(default_factory=list)

    @staticmethod
    def read(path: Path) -> "History":
        """Rows that are whole: the last one may be half written."""
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return History()
        whole = text[: text.rfind("\n") + 1]
        found = [numbers(row) for row in csv.DictReader(io.StringIO(whole))]
        return History([row for row in found if math.isfinite(row.get("epoch", math.nan))])

    @property
    def epochs(self) -> int:
        """The last epoch; 0 before there is one."""
        return int(self.rows[-1]["epoch"]) if self.rows else 0

    def at(self, epoch: int | None) -> dict[str, float]:
        """The row of an epoch, or the last one; empty where there is none."""
        last = self.rows[-1] if self.rows else {}
        return next((row for row in self.rows if row["epoch"] == epoch), last)

    def curves(self) -> dict[str, list[float | None]]:
        """Columns that are drawn, of at most POINTS epochs, the first and the last among them."""
        kept = self.rows
        if len(kept) > POINTS:
            step = (len(kept) - 1) / (POINTS - 1)
            kept = [kept[round(number * step)] for number in range(POINTS)]
        names = [name for name in DRAWN if any(name in row for row in kept)]
        columns = {"epoch": [short(row["epoch"]) for row in kept]}
        return columns | {name: [short(row.get(name)) for row in kept] for name in names}


def numbers(row: dict[str, str | None]) -> dict[str, float]:
    """The cells that hold a number."""
    found = {}
    for name, cell in row.items():
        try:
            found[name] = float(cell or "")
        except (TypeError, ValueError):  # empty, or more cells than names
            continue
    return found


def short(value: float | None) -> float | None:
    """Six digits, which no pixel shows more of; a number that cannot be drawn is none."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.6g}")
