"""Which run folders the words of a command mean: each folder named, and all runs below it."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from vaelab.errors import UserError

SEED = re.compile(r"seed\d+(-\d+)?")  # what vaelab names them; a user may have renamed his
SIGNS = ("config.yaml", "results.json", "lock")


def find(places: Sequence[str]) -> list[Path]:
    """Every run folder once, half-written ones too, in the order of their names.

    Raises:
        UserError: a place is not there, or there is no run in any of them.
    """
    found: dict[Path, Path] = {}
    for place in places:
        folder = Path(place)
        if not folder.is_dir():
            raise UserError(
                f"{place}: no such folder; RUNS are run folders or folders above them, as outputs"
            )
        for run in below(folder):
            found.setdefault(run.resolve(), run)
    if not found:
        raise UserError(f"{', '.join(places)}: no run in it; vaelab train makes one")
    return sorted(found.values(), key=natural)


def below(folder: Path) -> Iterator[Path]:
    """The folder itself, or every run below it; nothing inside a run is looked at.

    Links are followed last, so that a run goes by its own name, and never up to where they lie in.
    """
    starts, seen = [folder], set()
    for start in starts:  # grows by the links that are found
        for place, folders, files in os.walk(start):
            real = Path(place).resolve()
            if real in seen or is_run(Path(place), files):
                folders.clear()
                if real not in seen:
                    yield Path(place)
            seen.add(real)
            links = [path for name in folders if (path := Path(place, name)).is_symlink()]
            starts += [path for path in sorted(links) if not real.is_relative_to(path.resolve())]


def is_run(folder: Path, files: Sequence[str]) -> bool:
    """By its name and any file of a run, or by both files that only a run has."""
    if SEED.fullmatch(folder.name):
        return any(name in files for name in SIGNS)
    return "config.yaml" in files and ("results.json" in files or "overrides.yaml" in files)


def natural(path: Path) -> list[tuple[int, str]]:
    """A key by which seed10 comes after seed2."""
    parts = re.split(r"(\d+)", path.as_posix())
    return [(int(one), "") if one.isdecimal() else (0, one) for one in parts]
