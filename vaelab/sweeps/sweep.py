"""A sweep's folder, <output_dir>/.sweeps/<hash>: its cells, and whether somebody is at it."""

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from vaelab.errors import UserError
from vaelab.files import write_json
from vaelab.runs import lock

FILE = "cells.json"
_held: set[Path] = set()  # closing any descriptor of a lock file would drop this process's lock


@dataclass(frozen=True)
class Cell:
    """One run of a sweep, which need not have begun."""

    label: str  # what distinguishes it from the others
    folder: Path


@dataclass(frozen=True)
class Sweep:
    """What was planned.

    Attributes:
        folder: where that is written.
        title: what all cells have in common, as typed.
        cells: every one, finished or not, in the order of the plan.
    """

    folder: Path
    title: str
    cells: tuple[Cell, ...]

    @property
    def name(self) -> str:
        """Its hash."""
        return self.folder.name

    def has(self, folder: Path) -> bool:
        """Whether a run's folder is of one of its cells."""
        return folder.resolve() in {cell.folder.resolve() for cell in self.cells}

    @contextmanager
    def held(self) -> Iterator[None]:
        """Show that a process is at it; several may be."""
        path = self.folder.resolve() / "lock"
        descriptor = None
        with suppress(OSError):  # it is but shown: what must be locked are runs
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            fcntl.lockf(descriptor, fcntl.LOCK_SH)
        _held.add(path)
        try:
            yield
        finally:
            _held.discard(path)
            if descriptor is not None:
                os.close(descriptor)

    @property
    def alive(self) -> bool:
        """Whether a process is at it, as far as this machine can see."""
        path = self.folder.resolve() / "lock"
        if path in _held:
            return True
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            return not lock.locks(descriptor, fcntl.LOCK_EX)
        except OSError:  # a disk without locks
            return False
        finally:
            os.close(descriptor)


def begin(output_dir: Path, folders: Sequence[Path], words: Sequence[list[str]]) -> Sweep:
    """The sweep of these runs; its plan is written once, so that everybody sees what is to come.

    Raises:
        UserError: its folder cannot be made.
    """
    places = [os.path.relpath(folder, output_dir) for folder in folders]
    identity = hashlib.sha256("\n".join(sorted(places)).encode()).hexdigest()[:8]
    folder = output_dir / ".sweeps" / identity
    title, labels = told_apart(words)
    cells = tuple(Cell(label, one) for label, one in zip(labels, folders, strict=True))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / FILE).is_file():
            listed = [{"label": a, "folder": b} for a, b in zip(labels, places, strict=True)]
            write_json(folder / FILE, {"title": title, "cells": listed})
    except OSError as error:
        raise UserError(f"{folder}: cannot be made ({error.strerror}); set output_dir") from error
    return Sweep(folder, title, cells)


def read(folder: Path) -> Sweep | None:
    """The sweep of a folder; None where its plan cannot be read."""
    output_dir = folder.parent.parent
    with suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads((folder / FILE).read_text(encoding="utf-8"))
        cells = tuple(Cell(one["label"], output_dir / one["folder"]) for one in found["cells"])
        return Sweep(folder, found["title"], cells)
    return None


def below(output_dir: Path) -> list[Sweep]:
    """The sweeps of an output folder, those of many cells first."""
    found = [read(path.parent) for path in sorted(output_dir.glob(f".sweeps/*/{FILE}"))]
    return sorted((one for one in found if one), key=lambda sweep: -len(sweep.cells))


def told_apart(words: Sequence[list[str]]) -> tuple[str, list[str]]:
    """What all have typed, and of each what only some have; Hydra's own settings left out."""
    ours = [
        [re.sub(r"^[\w/]+@", "", one) for one in line if not one.startswith("hydra")]
        for line in words
    ]
    common = set.intersection(*map(set, ours)) if len(ours) > 1 else set()
    own = [" ".join(one for one in line if one not in common) for line in ours]
    return " ".join(one for one in ours[0] if one in common), own
