"""MNIST binarised once and for all (Larochelle & Murray, 2011).

From *The Neural Autoregressive Distribution Estimator*. The test split is sorted by class (980
zeros, 1,135 ones, ...): its first rows are no sample of it.
"""

import gzip
import zipfile
import zlib
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from vaelab.dataset.amat import amat_checksum, parse_amat
from vaelab.dataset.base import Dataset, Split, Splits
from vaelab.dataset.download import obtain
from vaelab.dataset.facts.static_mnist import FACTS, TEXTS
from vaelab.dataset.image import row_major
from vaelab.dataset.location import data_directory
from vaelab.dataset.parsed import parsed
from vaelab.errors import UserError
from vaelab.traits import Trait


def _read(path: Path, split: str) -> np.ndarray:
    """Rows of one split from any of the containers the data are found in.

    They are the npz of MADE, MATLAB v5 (also under the name .amat), and text, plain or gzip.
    """
    with path.open("rb") as file:
        head = file.read(6)
    if head.startswith(b"PK"):
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            return held[f"{split}_data"]
    if head == b"MATLAB":
        return loadmat(path)["X"]
    text = path.read_bytes()
    return parse_amat(gzip.decompress(text) if head.startswith(b"\x1f\x8b") else text, 784)


def _rows(path: Path, split: str) -> np.ndarray:
    """uint8 [N, 784], checked by the text the rows make."""
    count = FACTS.sizes[""][list(TEXTS).index(split)]
    try:
        rows = _read(path, split)
    except (OSError, EOFError, KeyError, ValueError, zlib.error, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is truncated or damaged ({error})") from error
    if rows.shape != (count, 784):
        raise UserError(
            f"{path} is truncated or not the expected file "
            f"(shape {rows.shape}, expected {(count, 784)})"
        )
    rows = rows.astype(np.uint8)
    found, expected = amat_checksum(rows), TEXTS[split].checksum
    if found != expected:
        raise UserError(
            f"{path} is damaged or not the expected file "
            f"(its rows make text of {found}, expected {expected})".replace("sha256:", "sha256 ")
        )
    return rows


class StaticMnist(Dataset):
    """The three splits as their authors fixed them."""

    shape = FACTS.shape
    offers = frozenset(
        {Trait.IMAGE, Trait.BINARY, Trait.UNIT_INTERVAL, Trait.FIXED}
    )  # binary images that never change
    pseudo_inputs = (0.05, 0.01)

    def __init__(self, data_dir: str | None = None) -> None:
        self.data_dir = data_dir

    def load(self) -> Splits:
        """50,000 / 10,000 / 10,000 images in file order."""
        folder = data_directory(self.data_dir) / FACTS.folder
        paths = {
            split: obtain(file, folder) for split, file in zip(TEXTS, FACTS.files, strict=True)
        }
        rows = parsed(
            "static_mnist",
            list(paths.values()),
            lambda: {split: _rows(path, split) for split, path in paths.items()},
        )
        return Splits(*(Split(row_major(rows[split], 28, 28)) for split in TEXTS))

    def provenance(self) -> dict[str, object]:
        """What the rows were checked against; there is nothing to choose."""
        return {"content": {split: content.checksum for split, content in TEXTS.items()}}
