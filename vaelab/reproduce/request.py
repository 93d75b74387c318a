"""What is asked of `vaelab reproduce` and `vaelab table`: which table, budget, cells, settings."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vaelab import groups
from vaelab.errors import UserError
from vaelab.reproduce import budget as budgets
from vaelab.reproduce import spec
from vaelab.reproduce.budget import Budget
from vaelab.reproduce.cells import Selection
from vaelab.reproduce.spec import Table

OWN = (*spec.KINDS, "budget", "rows", "columns", "seeds")


@dataclass(frozen=True)
class Request:
    """A table at a budget.

    Attributes:
        extra: overrides of `vaelab train` for every cell.
        words: as typed.
    """

    table: Table
    budget: Budget
    selection: Selection = field(default_factory=Selection)
    extra: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


def read(words: list[str], config_dir: str | None = None) -> Request:
    """The request that NAME=VALUE words make.

    Raises:
        UserError: no table is named, or a name or value is wrong.
    """
    folders = [groups.config_dir()]
    if config_dir is not None:
        folders.append(Path(config_dir).resolve())
    own: dict[str, str] = {}
    extra = []
    for word in words:
        name, equals, value = word.partition("=")
        name = "seeds" if name == "seed" else name
        if name not in OWN or not equals:
            extra.append(word)
        elif name in own:
            raise UserError(f"{name}: given twice, as {own[name]} and as {value}")
        else:
            own[name] = value
    kinds = [kind for kind in spec.KINDS if kind in own]
    if len(kinds) != 1:
        known = ", ".join(f"{k}={name}" for k in spec.KINDS for name in groups.options(k, *folders))
        raise UserError(f"name one table or figure ({known})")
    table = spec.find(kinds[0], own[kinds[0]], *folders)
    selection = Selection(
        rows=_several(own.get("rows")),
        columns=_several(own.get("columns")),
        seeds=_several(own.get("seeds"), _seed),
    )
    selection.check(table)
    budget = budgets.find(own.get("budget", budgets.FULL), *folders)
    return Request(table, budget, selection, extra, words)


def _several(text: str | None, read: Callable[[str], Any] = str) -> list[Any] | None:
    return None if text is None else [read(one) for one in text.strip("[]").split(",") if one]


def _seed(text: str) -> int:
    if not text.strip().isdecimal():
        raise UserError(f"seeds={text}: must be whole numbers separated by commas, 0 or more")
    return int(text)
