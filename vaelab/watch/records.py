"""The file of a watch's records: every array has the record as its first axis."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vaelab.errors import UserError

Arrays = dict[str, NDArray]


def path_of(folder: Path, name: str) -> Path:
    """Where a run keeps the records of a watch."""
    return folder / "watch" / f"{name}.npz"


def write(records: Sequence[dict[str, Tensor]], path: Path) -> None:
    """Replace the file at once.

    Raises:
        UserError: it cannot be written.
    """
    arrays = {name: np.stack([one[name].numpy() for one in records]) for name in records[0]}
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            np.savez(file, **arrays)  # pyright: ignore
        aside.replace(path)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error


def read(path: Path) -> Arrays | None:
    """What was recorded; None where nothing was.

    Raises:
        UserError: the file is damaged.
    """
    try:
        with np.load(path) as file:
            return dict(file)
    except FileNotFoundError:
        return None
    except Exception as error:  # np.load raises whatever the damage makes of the file
        raise UserError(f"{path}: damaged; train the run again") from error
