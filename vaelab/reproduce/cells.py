"""From the cells of a table to runs: each cell's config at a budget, once for each seed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vaelab import run as runs
from vaelab.compose import Composer
from vaelab.errors import UserError
from vaelab.identity import LEFT_OUT
from vaelab.job import Task
from vaelab.plan import plan
from vaelab.reproduce.budget import Budget
from vaelab.reproduce.spec import Cell, Table
from vaelab.spelling import nearest

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
        tasks: one for each seed; none where the cell is quoted or refused.
        refused: why its config cannot be.
        marks: why it is not what the paper did.
    """

    cell: Cell
    tasks: tuple[Task, ...] = ()
    refused: str | None = None
    marks: tuple[str, ...] = ()


def changes(extra: Sequence[str]) -> list[str]:
    """Those of the user's own overrides that make a run another than the paper's."""
    names = {text: text.partition("=")[0].rpartition("@")[2] for text in extra}
    return [text for text, name in names.items() if _top(name) not in HARMLESS]


def plan_cells(
    table: Table, budget: Budget, selection: Selection, extra: Sequence[str], composer: Composer
) -> list[Planned]:
    """Every cell of the table that is selected.

    Args:
        table: of which.
        budget: limits every run.
        selection: which cells, and other seeds than the table's.
        extra: overrides for every cell, after the cell's own.
        composer: reads and composes overrides.
    """
    marks = () if budget.full else (f"budget={budget.name}",)
    marks += tuple(f"changed: {text}" for text in changes(extra))
    planned = []
    for cell in table.cells:
        if cell not in selection:
            continue
        if cell.quoted:
            planned.append(Planned(cell))
            continue
        seeds = (selection.seeds or cell.seeds)[: budget.seeds]
        whole = len(seeds) >= len(cell.seeds)
        fewer = () if whole else (f"{len(seeds)} of {len(cell.seeds)} seeds",)
        try:
            tasks = tasks_for([*cell.overrides, EVALUATION, *extra], seeds, budget, composer)
        except UserError as error:
            planned.append(Planned(cell, refused=str(error), marks=marks))
            continue
        planned.append(Planned(cell, tasks, marks=(*marks, *fewer)))
    return planned


def tasks_for(
    texts: list[str], seeds: Sequence[int], budget: Budget, composer: Composer
) -> tuple[Task, ...]:
    """A task for each seed that overrides mean within a budget.

    Composing takes a third of a second, so it is done once where the seed decides nothing else.

    Raises:
        UserError: an override is wrong.
    """
    if any("${seed}" in text for text in texts):
        return tuple(task_for([*texts, f"seed={seed}"], budget, composer) for seed in seeds)
    first = task_for([*texts, f"seed={seeds[0]}"], budget, composer)
    return (first, *(seeded(first, seed) for seed in seeds[1:]))


def task_for(texts: list[str], budget: Budget, composer: Composer) -> Task:
    """The task that overrides mean within a budget."""
    read = composer.reader.read(_last_word(texts))
    task = plan([composer.cell(read)])[0]
    if within := budget.overrides(task.config):
        task = plan([composer.cell([*read, *within])])[0]
    return replace(task, evaluate=True)


def seeded(task: Task, seed: int) -> Task:
    """The same task with another seed."""
    config = task.config | {"seed": seed}
    overrides = [text for text in task.overrides if not text.startswith("seed=")]
    return replace(
        task,
        config=config,
        folder=runs.of(config).folder,
        overrides=[*overrides, f"seed={seed}"],
    )


def _last_word(texts: list[str]) -> list[str]:
    """Of several values for one name the last: a cell's own comes after its table's."""
    last = {text.partition("=")[0]: text for text in texts}
    return [text for text in texts if last[text.partition("=")[0]] == text]


def _top(name: str) -> str:
    return name.partition(".")[0].partition("/")[0]
