"""Published figures beside ours: runs that are what a cell of a published table asks for.

As `vaelab table NAME` finds them: by their identity at the full budget, evaluated as the table
says. A run with a label ("stand-in", "reduced") is never held against a paper.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vaelab.composing import groups, identity
from vaelab.composing.spelling import nearest
from vaelab.errors import UserError
from vaelab.report.likely import demanded, possible
from vaelab.report.record import Record
from vaelab.report.settings import flat
from vaelab.reproduce import budget as budgets
from vaelab.reproduce import spec
from vaelab.reproduce.outcome import Outcome
from vaelab.reproduce.spec import Cell, Table

KINDS = ("table", "figure")  # a claim has no published number
NONE = "none"
Members = Mapping[str, Sequence[int]]  # config hash -> places among the records


@dataclass(frozen=True)
class Beside:
    """One cell with a published figure and the runs here that are of it.

    Attributes:
        members: their places among the records, in the order of `outcome.runs`.
    """

    table: Table
    outcome: Outcome
    members: tuple[int, ...]


def beside(
    records: Sequence[Record], names: Sequence[str] | None, config_dir: str | None = None
) -> list[Beside]:
    """Every cell that some of the runs are of.

    Args:
        records: of the report.
        names: of tables and figures; None: all of them.
        config_dir: the user's own folder of configs.

    Raises:
        UserError: there is no table of a name, or a table's YAML is wrong.
    """
    folders = (groups.config_dir(), *([Path(config_dir).resolve()] if config_dir else []))
    found: dict[str, list[int]] = {}
    for place, record in enumerate(records):
        if record.config:
            found.setdefault(record.hash, []).append(place)
    settings = [flat(records[places[0]].config) for places in found.values()]
    kept = []
    for table in tables(names, folders):
        likely = {
            cell.name
            for cell in table.cells
            if cell.published is not None
            and not cell.quoted
            and any(possible(demanded(cell.overrides, folders), one) for one in settings)
        }
        if likely:
            kept += of_table(table, likely, records, found, config_dir)
    return kept


def tables(names: Sequence[str] | None, folders: tuple[Path, ...]) -> list[Table]:
    """Those of the names."""
    known = {
        name: (kind, path)
        for kind in KINDS
        for name, path in groups.options(kind, *folders).items()
    }
    for name in names or ():
        if name not in known:
            raise UserError(f"tables={name}: no such table{nearest(name, list(known))}")
    chosen = known if names is None else names
    return [spec.read(known[name][0], name, known[name][1]) for name in chosen]


def of_table(
    table: Table,
    likely: set[str],
    records: Sequence[Record],
    found: Members,
    config_dir: str | None,
) -> list[Beside]:
    """The cells of one table that runs are of; those they are relative to are looked for too."""
    from vaelab.composing.compose import Composer  # imports Hydra, which most reports need not
    from vaelab.reproduce.cells import EVALUATION, task_for
    from vaelab.reproduce.collect import trained
    from vaelab.reproduce.compared import compared
    from vaelab.runs.job import Task

    composer = Composer(config_dir)
    full = budgets.find(budgets.FULL, *composer.folders)
    known: dict[tuple[str, ...], Task | UserError] = {}
    bases = {
        f"{row}/{cell.column.name}"
        for cell in table.cells
        for row in (cell.relative_to, cell.above)
        if row is not None and cell.name in likely
    }
    outcomes, members = [], {}
    for cell in table.cells:
        outcomes.append(Outcome(cell))
        if cell.name not in likely | bases or cell.quoted:
            continue
        texts = (EVALUATION, *cell.overrides, f"seed={cell.seeds[0]}")
        task = task_for(texts, full, composer, known)
        if isinstance(task, UserError):  # `vaelab table` says why
            continue
        places = found.get(identity.config_hash(task.config), ())
        runs, members[cell.name] = [], []
        for place in places:
            config = {**task.config, "seed": records[place].seed}
            one = trained(cell, replace(task, config=config, folder=records[place].folder), None)
            if not one.labels:
                runs.append(one)
                members[cell.name].append(place)
        seeds = len({run.seed for run in runs})
        fewer = () if seeds >= len(cell.seeds) else (f"{seeds} of {len(cell.seeds)} seeds",)
        outcomes[-1] = Outcome(cell, tuple(runs), marks=fewer)
    return [
        Beside(table, one, tuple(members[one.cell.name]))
        for one in compared(outcomes)
        if one.runs and one.cell.name in likely
    ]


def figure(cell: Cell) -> str:
    """What a cell is, in words: "static MNIST, VAE VampPrior"."""
    return f"{cell.row.label}, {cell.column.label}"
