"""scikit-learn's digits: 1,797 real 8x8 images that need no download (UCI, Alpaydin & Kaynak)."""

import gzip
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

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
    """Validation and test images are binarised once, by seed.

    Args:
        split_seed: which images are held out.
        binarise_seed: of what is binarised once.
        binarise: training images at every use ("dynamic"), or once too ("fixed").
    """

    shape = FACTS.shape

    def __init__(
        self,
        split_seed: int = 0,
        binarise_seed: int = 0,
        binarise: Literal["dynamic", "fixed"] = "dynamic",
    ) -> None:
        self.split_seed = split_seed
        self.binarise_seed = binarise_seed
        self.fixed = binarise == "fixed"

    @property
    def offers(self) -> frozenset[Trait]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Binary images."""
        fixed = {Trait.FIXED} if self.fixed else set()
        return frozenset({Trait.IMAGE, Trait.BINARY, Trait.UNIT_INTERVAL} | fixed)

    def load(self) -> Splits:
        """1,297 / 250 / 250 images, shuffled by `split_seed`."""
        images = _images()
        rows = shuffled_rows(len(images), self.split_seed)
        train, valid, test = (images[part] for part in hold_out(rows, *FACTS.sizes[""][1:]))
        grey = [part / _LEVELS for part in (valid, test, train)]
        valid, test, once = binarise_once(self.binarise_seed, *grey)
        return Splits(
            Split(row_major(once, 8, 8))
            if self.fixed
            else Split(row_major(train, 8, 8), Binarised(_LEVELS)),
            Split(row_major(valid, 8, 8)),
            Split(row_major(test, 8, 8)),
        )

    def provenance(self) -> dict[str, object]:
        """Both seeds, and when training images are binarised."""
        return {
            "split_seed": self.split_seed,
            "binarise_seed": self.binarise_seed,
            "binarise": "fixed" if self.fixed else "dynamic",
        }
