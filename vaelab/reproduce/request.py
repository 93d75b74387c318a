"""What is asked of `vaelab reproduce` and `vaelab table`: which table, budget, cells, settings."""

from dataclasses import dataclass, field
from pathlib import Path

from vaelab.composing import groups
from vaelab.errors import UserError
from vaelab.reproduce import budget as budgets
from vaelab.reproduce import spec
from vaelab.reproduce.budget import Budget
from vaelab.reproduce.cells import Selection
from vaelab.reproduce.spec import Table

SEVERAL = ("rows", "columns", "seeds")
OWN = (*spec.KINDS, "budget", *SEVERAL)


@dataclass(frozen=True)
class Request:
    """A table at a budget.

    Attributes:
        extra: overrides of `vaelab train` for every cell.
        words: as typed.
        config_dir: the user's own folder of configs.
    """

    table: Table
    budget: Budget
    selection: Selection = field(default_factory=Selection)
    extra: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    config_dir: str | None = None


def read(words: list[str], config_dir: str | None = None) -> Request:
    """The request that NAME=VALUE words make.

    Raises:
        UserError: no table is named, or a name or value is wrong.
    """
    folders = config_folders(config_dir)
    own: dict[str, str] = {}
    extra = []
    for word in words:
        name, equals, value = word.partition("=")
        name = "seeds" if name == "seed" else name
        if name == "fresh":
            raise UserError(f"{word}: a table finds its runs by what they are; leave it out")
        if name not in OWN or not equals:
            extra.append(word)
        elif name in own:
            raise UserError(f"{name}: given twice, as {own[name]} and as {value}")
        else:
            own[name] = value
    kinds = [kind for kind in spec.KINDS if kind in own]
    if len(kinds) != 1:
        known = ", ".join(f"{k}={name}" for k in spec.KINDS for name in groups.options(k, *folders))
        raise UserError(f"name one table, figure or claim ({known})")
    table = spec.find(kinds[0], own[kinds[0]], *folders)
    several = {name: _several(name, own[name]) for name in SEVERAL if name in own}
    seeds = [_seed(text) for text in several["seeds"]] if "seeds" in several else None
    selection = Selection(several.get("rows"), several.get("columns"), seeds)
    selection.check(table)
    budget = budgets.find(own.get("budget", budgets.FULL), *folders)
    typed = [*words, *(["--config-dir", config_dir] if config_dir is not None else [])]
    return Request(table, budget, selection, extra, typed, config_dir)


def config_folders(config_dir: str | None) -> list[Path]:
    """Where tables are: ours, and the user's."""
    return [groups.config_dir(), *([] if config_dir is None else [Path(config_dir).resolve()])]


def _several(name: str, text: str) -> list[str]:
    """Values separated by commas."""
    found = [one.strip() for one in text.strip("[]").split(",") if one.strip()]
    if not found:
        raise UserError(f"{name}={text}: name one or more, separated by commas")
    if len(set(found)) < len(found):
        raise UserError(f"{name}={text}: names one twice")
    return found


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise UserError(f"seeds={text}: must be whole numbers separated by commas, 0 or more")
    return int(text)
