"""scikit-learn's digits: 1,797 real 8x8 images that need no download (UCI, Alpaydin & Kaynak)."""

import gzip
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from vaelab.dataset.base import Binarised, Dataset, Split, Splits
from vaelab.dataset.facts.digits import FACTS
from vaelab.dataset.image import row_major
from vaelab.dataset.partition import binarise_once, hold_out, shuffled_rows
from vaelab.errors import UserError
from vaelab.traits import Trait

_LEVELS = 16.0  # pixels are counts 0..16 of the ink in a 4x4 block


def _images() -> np.ndarray:
    """[1797, 64] uint8. Read from the package's file: importing sklearn.datasets takes seconds."""
    package = find_spec("sklearn")
    folder = ((package and package.submodule_search_locations) or [""])[0]
    path = Path(folder) / "datasets" / "data" / "digits.csv.gz"
    try:
        with gzip.open(path, "rt") as file:
            table = np.loadtxt(file, delimiter=",", dtype=np.uint8)
    except (OSError, EOFError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}; reinstall scikit-learn") from error
    return table[:, :-1]


class Digits(Dataset):
    """Training images are binarised at every use, validation and test images once, by seed."""

    shape = FACTS.shape
    offers = frozenset(
        {Trait.IMAGE, Trait.BINARY, Trait.UNIT_INTERVAL}
    )  # binary images, training images redrawn

    def __init__(self, split_seed: int = 0, binarise_seed: int = 0) -> None:
        self.split_seed = split_seed
        self.binarise_seed = binarise_seed

    def load(self) -> Splits:
        """1,297 / 250 / 250 images, shuffled by `split_seed`."""
        images = _images()
        rows = shuffled_rows(len(images), self.split_seed)
        train, valid, test = (images[part] for part in hold_out(rows, *FACTS.sizes[""][1:]))
        valid, test = binarise_once(self.binarise_seed, valid / _LEVELS, test / _LEVELS)
        return Splits(
            Split(row_major(train, 8, 8), Binarised(_LEVELS)),
            Split(row_major(valid, 8, 8)),
            Split(row_major(test, 8, 8)),
        )

    def provenance(self) -> dict[str, object]:
        """Both seeds."""
        return {"split_seed": self.split_seed, "binarise_seed": self.binarise_seed}
