"""Reports without runs: cells, seeds and tables with everything a test does not care about."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from vaelab.reproduce.outcome import Outcome, Report, Trained
from vaelab.reproduce.spec import Cell, Line, Plot, Table

ROWS = {"static": Line("static", "static MNIST"), "frey": Line("frey", "Frey Faces")}
COLUMNS = {"standard": Line("standard", "VAE std"), "vamp": Line("vamp", "VAE Vamp")}
NUMBERS = {
    ("static", "standard"): -88.56,
    ("static", "vamp"): -85.57,
    ("frey", "standard"): 4.63,
    ("frey", "vamp"): 4.57,
}


def cell(row: str | Line = "static", column: str | Line = "vamp", **said) -> Cell:
    row = ROWS[row] if isinstance(row, str) else row
    column = COLUMNS[column] if isinstance(column, str) else column
    bits = row.name == "frey"
    given = {
        "published": NUMBERS.get((row.name, column.name)),
        "overrides": [],
        "quoted": False,
        "metric": "nll" if bits else "-nll",
        "unit": "bits/dim" if bits else "nats",
        "digits": 2,
        "seeds": [1],
        "band": (-0.5, 0.5),
        "source": "A paper, Table 1",
        "certainty": "",
        "note": None,
    }
    return Cell(row, column, **(given | said))


def trained(value: float | None, seed: int = 1, root: Path = Path("runs"), **said) -> Trained:
    """One seed; complete if it has a value, new otherwise."""
    given = {
        "folder": root / f"seed{seed}",
        "command": f"vaelab train seed={seed}",
        "status": "new" if value is None else "complete",
        "se": None if value is None else 0.25,
        "estimator": None if value is None else "importance weighted",
        "samples": None if value is None else 5000,
        "n": None if value is None else 10000,
        "seconds": None if value is None else 190.0,
        "epochs": None if value is None else 12,
    }
    return Trained(seed=seed, value=value, **(given | said))


def outcome(*values: float | None, of: Cell | None = None, root: Path = Path("runs"), **said):
    """A cell with one seed for each value; `runs`, `marks` and `refused` may be said."""
    of = of or cell()
    folder = root / of.row.name / of.column.name
    runs = tuple(trained(value, seed, folder) for seed, value in enumerate(values, 1))
    given: dict[str, Any] = {"runs": runs} | said
    return Outcome(of, **given)


def report(*outcomes: Outcome, **said) -> Report:
    """A table of these cells at the full budget; `table` settings go by `plots`, `title`, ..."""
    rows = {one.cell.row.name: one.cell.row for one in outcomes}
    columns = {one.cell.column.name: one.cell.column for one in outcomes}
    table = Table(
        name="one",
        kind="table",
        title="Test log-likelihood",
        source="A paper, Table 1",
        rows=rows,
        columns=columns,
        cells=[one.cell for one in outcomes],
    )
    own = {key: said.pop(key) for key in list(said) if key in vars(table)}
    given = {
        "budget": ("full", "as the paper"),
        "command": "vaelab reproduce table=one",
        "extra": [],
        "made": date(2026, 1, 2),
        "version": "1.2.3",
        "commit": "0123456789abcdef0123456789abcdef01234567",
    }
    return Report(table=replace(table, **own), outcomes=list(outcomes), **(given | said))


def drawing(*outcomes: Outcome, **said) -> Report:
    """A figure of one plot with all columns."""
    columns = list(dict.fromkeys(one.cell.column.name for one in outcomes))
    plot = Plot("a plot", columns, "components K", "log-likelihood (nats)", True)
    return report(*outcomes, **({"kind": "figure", "plots": [plot]} | said))
