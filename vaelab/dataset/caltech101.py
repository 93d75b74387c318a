"""Caltech 101 Silhouettes, 28x28, split 1 (Marlin et al., 2010).

From *Inductive Principles for Restricted Boltzmann Machine Learning*. Stored column-major with
background 1; read as VampPrior's code does (1705.07120): upright, object 1.
"""

from pathlib import Path

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from vaelab.dataset.base import Dataset, Split, Splits
from vaelab.dataset.download import obtain
from vaelab.dataset.facts.caltech101 import FACTS
from vaelab.dataset.image import column_major
from vaelab.dataset.location import data_directory
from vaelab.errors import UserError
from vaelab.traits import Trait

_KEYS = ("train_data", "val_data", "test_data")


def _split(path: Path, key: str, values: np.ndarray, count: int) -> Split:
    if values.shape != (count, 784):
        raise UserError(f"{path}: {key} has shape {values.shape}, expected {(count, 784)}")
    if not np.isin(values, (0, 1)).all():
        raise UserError(f"{path}: {key} must hold only 0 and 1")
    return Split(column_major(1 - values.astype(np.uint8), 28, 28))


class Caltech101(Dataset):
    """The published split; some images occur in more than one part of it."""

    shape = FACTS.shape
    offers = frozenset(
        {Trait.IMAGE, Trait.BINARY, Trait.UNIT_INTERVAL, Trait.FIXED}
    )  # binary images that never change

    def __init__(self, data_dir: str | None = None) -> None:
        self.data_dir = data_dir

    def load(self) -> Splits:
        """4,100 / 2,264 / 2,307 silhouettes in file order."""
        path = obtain(FACTS.files[0], data_directory(self.data_dir) / FACTS.folder)
        try:
            contents = loadmat(path, variable_names=list(_KEYS))
        except (OSError, ValueError, TypeError, MatReadError) as error:
            raise UserError(f"{path} is not a readable MATLAB v5 file ({error})") from error
        sizes = zip(_KEYS, FACTS.sizes[""], strict=True)
        return Splits(
            *(_split(path, key, contents.get(key, np.empty(0)), count) for key, count in sizes)
        )

    def provenance(self) -> dict[str, object]:
        """The file's checksum; there is nothing to choose."""
        return {"content": FACTS.files[0].addresses[0].content.checksum}
