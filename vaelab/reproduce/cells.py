"""From the cells of a table to runs: each cell's config at a budget, once for each seed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vaelab.composing.compose import Composer
from vaelab.composing.identity import LEFT_OUT
from vaelab.composing.spelling import nearest
from vaelab.errors import UserError
from vaelab.reproduce.budget import Budget, NotInBudget
from vaelab.reproduce.spec import Cell, Table
from vaelab.runs.evaluated import Wanted
from vaelab.runs.job import Task
from vaelab.sweeps.plan import plan

EVALUATION = "evaluation=paper"
# Overrides that say where and how, not what; any other makes a cell another than the paper's.
HARMLESS = (LEFT_OUT - {"evaluation"}) | {"hydra"}


@dataclass(frozen=True)
class Selection:
    """What to run of a table; None: all."""

    rows: list[str] | None = None
    columns: list[str] | None = None
    seeds: list[int] | None = None

    def check(self, table: Table) -> None:
        """Refuse names that the table does not have.

        Raises:
            UserError: naming the nearest.
        """
        for kind, names, known in (
            ("rows", self.rows, table.rows),
            ("columns", self.columns, table.columns),
        ):
            for name in names or ():
                if name not in known:
                    raise UserError(f"{kind}={name}: {table.name} has none{nearest(name, known)}")

    def __contains__(self, cell: Cell) -> bool:
        inside_row = self.rows is None or cell.row.name in self.rows
        return inside_row and (self.columns is None or cell.column.name in self.columns)


@dataclass(frozen=True)
class Planned:
    """A cell and the runs that fill it.

    Attributes:
        tasks: one for each seed; none where the cell is quoted, refused or left out.
        refused: why its config cannot be.
        left_out: why it is no part of this budget.
        marks: why it is not what the paper did.
    """

    cell: Cell
    tasks: tuple[Task, ...] = ()
    refused: str | None = None
    marks: tuple[str, ...] = ()
    left_out: str | None = None


def changes(extra: Sequence[str]) -> list[str]:
    """Those of the user's own overrides that make a run another than the paper's."""
    names = {text: text.partition("=")[0].rpartition("@")[2] for text in extra}
    return [text for text, name in names.items() if _top(name) not in HARMLESS]


def plan_cells(
    cells: Sequence[Cell],
    budget: Budget,
    seeds: Sequence[int] | None,
    extra: Sequence[str],
    composer: Composer,
) -> list[Planned]:
    """What fills each cell.

    Args:
        cells: of a table.
        budget: limits every run.
        seeds: instead of each cell's own.
        extra: overrides for every cell, after the cell's own.
        composer: reads and composes overrides.
    """
    marks = () if budget.full else (f"budget={budget.name}",)
    marks += tuple(f"changed: {text}" for text in changes(extra))
    planned: list[Planned] = []
    known: dict[tuple[str, ...], Task | UserError] = {}
    for cell in cells:
        if cell.quoted:
            planned.append(Planned(cell))
            continue
        chosen = (seeds or cell.seeds)[: budget.seeds]
        whole = len(chosen) >= len(cell.seeds)
        fewer = () if whole else (f"{len(chosen)} of {len(cell.seeds)} seeds",)
        # A table may say itself how its cells are evaluated.
        texts = [EVALUATION, *cell.overrides, *extra]
        found = [task_for((*texts, f"seed={seed}"), budget, composer, known) for seed in chosen]
        if faults := [one for one in found if isinstance(one, UserError)]:
            why, beyond = str(faults[0]), isinstance(faults[0], NotInBudget)
            kept = Planned(cell, marks=marks)
            planned.append(replace(kept, left_out=why) if beyond else replace(kept, refused=why))
            continue
        tasks = [
            replace(task, wanted=(Wanted(task.config, cell.metric),))
            for task in found
            if isinstance(task, Task)
        ]
        planned.append(Planned(cell, tuple(tasks), marks=(*marks, *fewer)))
    return planned


def task_for(
    texts: tuple[str, ...],
    budget: Budget,
    composer: Composer,
    known: dict[tuple[str, ...], Task | UserError],
) -> Task | UserError:
    """The task that overrides mean within a budget, or why there is none.

    `known` remembers: composing takes a fifth of a second, and several cells may show metrics of
    one run.
    """
    if texts not in known:
        try:
            read = composer.reader.read(_last_word(texts))
            task = plan([composer.cell(read)])[0]
            if why := budget.leaves_out(task.config):
                raise NotInBudget(why)
            if within := budget.overrides(task.config):
                task = plan([composer.cell([*read, *within])])[0]
            known[texts] = task
        except UserError as error:
            known[texts] = error
    return known[texts]


def _last_word(texts: Sequence[str]) -> list[str]:
    """Of several values for one name the last: a cell's own comes after its table's."""
    last = {text.partition("=")[0]: text for text in texts}
    return [text for text in texts if last[text.partition("=")[0]] == text]


def _top(name: str) -> str:
    return name.partition(".")[0].partition("/")[0]
