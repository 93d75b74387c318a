"""`fresh=true`: runs once more, beside those that exist. Each repetition has a number.

`fresh=2` is the second one, a run like any other, so that it can be gone on with; `fresh=true` is
the first that nobody has begun.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from vaelab.composing import identity
from vaelab.errors import UserError
from vaelab.runs.job import Task


def folder(config: Mapping[str, Any]) -> Path:
    """Where a config's run is; with fresh=true, where one would be begun now."""
    if config["fresh"] is not True:
        return identity.folder(config)
    places = (identity.folder({**config, "fresh": number}) for number in count(1))
    return next(place for place in places if not place.exists())


def asked(task: Task) -> bool:
    """Whether its number is still to be found."""
    return task.config["fresh"] is True


def numbered(tasks: list[Task]) -> list[Task]:
    """Tasks of fresh=true with the number of their repetition, one for all, and its folders.

    The folders are made, so that two commands never get the same.

    Raises:
        UserError: they cannot be made.
    """
    others = {task.folder for task in tasks if not asked(task)}
    number = 0
    while True:
        number += 1
        found = [repetition(task, number) if asked(task) else task for task in tasks]
        folders = [one.folder for task, one in zip(tasks, found, strict=True) if asked(task)]
        if others.isdisjoint(folders) and made(folders):
            return found


def repetition(task: Task, number: int) -> Task:
    """The task with this number, as if it had been typed."""
    config = {**task.config, "fresh": number}
    words = [word for word in task.overrides if word.partition("=")[0] != "fresh"]
    return replace(
        task,
        config=config,
        folder=identity.folder(config),
        overrides=[*words, f"fresh={number}"],
    )


def made(folders: Iterable[Path]) -> bool:
    """Make all of these folders, or none where one of them exists."""
    new: list[Path] = []
    try:
        for folder in folders:
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir()  # atomic: of two commands one gets it
            new.append(folder)
    except FileExistsError:
        for folder in new:
            with suppress(OSError):
                folder.rmdir()
        return False
    except OSError as error:
        where = error.filename or "a run's folder"
        raise UserError(f"{where}: cannot be made ({error.strerror}); set output_dir") from error
    return True
