"""Grey 28x28 histopathology patches (Tomczak & Welling, 2016), 1611.09630.

From *Improving Variational Auto-Encoders using Householder Flow*. Clipped to [1/512, 1 - 1/512]
as in VampPrior's code (1705.07120).
"""

import pickle
import tarfile
import zlib
from pathlib import Path, PurePosixPath

import numpy as np

from vaelab.dataset.base import Dataset, Split, Splits
from vaelab.dataset.download import obtain
from vaelab.dataset.facts.histopathology import FACTS
from vaelab.dataset.image import row_major
from vaelab.dataset.location import data_directory
from vaelab.dataset.parsed import parsed
from vaelab.dataset.restricted_pickle import load_arrays
from vaelab.errors import UserError
from vaelab.traits import Trait

_KEYS = ("training", "validation", "test")


def _pickle_in(path: Path) -> bytes:
    """The archive's one pickle, read in memory: nothing is unpacked, so no member name matters."""
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isfile() else None
                if file is not None and PurePosixPath(member.name).name == "histopathology.pkl":
                    return file.read()
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise UserError(f"{path} is truncated or damaged ({error})") from error
    raise UserError(f"{path} holds no file histopathology.pkl")


def _parse(path: Path) -> dict[str, np.ndarray]:
    """Patches as stored, float32 [N, 784]."""
    try:
        held = load_arrays(_pickle_in(path))
    except pickle.UnpicklingError as error:
        raise UserError(f"{path} is refused: {error}") from error
    if not isinstance(held, dict) or not set(_KEYS) <= set(held):
        raise UserError(f"{path} must hold a dict with keys {', '.join(_KEYS)}")
    rows = {}
    for key, count in zip(_KEYS, FACTS.sizes[""], strict=True):
        try:
            values = np.asarray(held[key], dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise UserError(f"{path}: {key} is not an array of numbers ({error})") from error
        if len(values) != count or values.size != count * 784:
            raise UserError(f"{path}: {key} has shape {values.shape}, expected {(count, 784)}")
        if not (values.min() >= 0 and values.max() <= 1):
            raise UserError(f"{path}: {key} must hold grey levels in [0, 1]")
        rows[key] = values.reshape(count, 784)
    return rows


class Histopathology(Dataset):
    """The published split."""

    shape = FACTS.shape
    offers = frozenset(
        {Trait.IMAGE, Trait.UNIT_INTERVAL, Trait.FIXED}
    )  # grey images that never change
    pseudo_inputs = (0.4, 0.05)

    def __init__(self, data_dir: str | None = None) -> None:
        self.data_dir = data_dir

    def load(self) -> Splits:
        """6,800 / 2,000 / 2,000 patches."""
        path = obtain(FACTS.files[0], data_directory(self.data_dir) / FACTS.folder)
        rows = parsed("histopathology", [path], lambda: _parse(path))
        # The clip keeps every value inside a bin of the discretised logistic (1705.07120's code).
        clipped = (np.clip(rows[key], 1 / 512, 1 - 1 / 512) for key in _KEYS)
        return Splits(*(Split(row_major(values, 28, 28)) for values in clipped))

    def provenance(self) -> dict[str, object]:
        """The file's checksum; there is nothing to choose."""
        return {"content": FACTS.files[0].addresses[0].content.checksum}
