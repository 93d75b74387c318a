"""Several cells of a sweep that mean one run: it is trained once and evaluated as each says."""

from dataclasses import replace

from vaelab.errors import UserError
from vaelab.runs.evaluated import Wanted
from vaelab.runs.job import Task

ASIDE = ("evaluation", "choices")  # made besides; and names of what else is compared


def together(tasks: list[Task]) -> Task:
    """One task for all of them.

    Raises:
        UserError: they differ in what makes neither another run nor another evaluation.
    """
    first, evaluations = tasks[0], {}
    for task in tasks:
        refuse_others(first, task)
        evaluations.setdefault(repr(task.config["evaluation"]), Wanted(task.config))
    return first if len(evaluations) == 1 else replace(first, wanted=tuple(evaluations.values()))


def refuse_others(first: Task, second: Task) -> None:
    """Refuse two tasks of which the second would not be done as it says.

    Raises:
        UserError: with what was typed for each.
    """
    config, other = first.config, second.config
    differ = [name for name in config if name not in ASIDE and config[name] != other.get(name)]
    if not differ:
        return
    words = [word for word in first.overrides if word not in second.overrides]
    others = [word for word in second.overrides if word not in first.overrides]
    names = [name for word in words if top(name := word.partition("=")[0]) in differ]
    if names:  # else an option, as a preset, has brought it
        words, others = (
            [word for word in typed if word.partition("=")[0] in names] for typed in (words, others)
        )
    raise UserError(
        f"{' '.join(words)} and {' '.join(others)} are one run: {', '.join(names or differ)} says "
        "how it is trained, not what it is; choose one value, or train it again with fresh=2"
    )


def top(name: str) -> str:
    """The part of a config that a name is of."""
    return name.partition(".")[0]
