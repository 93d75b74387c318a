"""Frey Faces (Roweis): 1,965 grey frames of one face, 28 rows x 20 columns.

Scaled and split as VampPrior's code does (1705.07120): (v + 0.5) / 256; all frames shuffled, then
cut into 1,565 / 200 / 200. Their shuffle is unseeded and the paper repeats the experiment 3 times.
"""

import pickle
from pathlib import Path

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from vaelab.dataset.base import Dataset, Scaled, Split, Splits
from vaelab.dataset.download import obtain
from vaelab.dataset.facts.freyfaces import FACTS
from vaelab.dataset.image import row_major
from vaelab.dataset.location import data_directory
from vaelab.dataset.partition import hold_out, shuffled_rows
from vaelab.dataset.restricted_pickle import load_arrays
from vaelab.errors import UserError
from vaelab.traits import Trait


def _read(path: Path) -> np.ndarray:
    """uint8 [1965, 560], from the MATLAB file or one of two pickles of the same frames."""
    try:
        if path.suffix == ".mat":
            frames = np.asarray(loadmat(path)["ff"]).T
        else:
            held = load_arrays(path.read_bytes())
            frames = held[0] if isinstance(held, list) and held else held
    except (OSError, ValueError, TypeError, KeyError, MatReadError) as error:
        raise UserError(f"{path} is not a readable MATLAB v5 file with key ff ({error})") from error
    except pickle.UnpicklingError as error:
        raise UserError(f"{path} is refused: {error}") from error
    expected = (sum(FACTS.sizes[""]), 560)
    if not isinstance(frames, np.ndarray) or frames.shape != expected or frames.dtype != np.uint8:
        raise UserError(f"{path} does not hold bytes of shape {expected}")
    return frames


class FreyFaces(Dataset):
    """`split_seed` chooses which frames are held out; the paper leaves that to chance."""

    shape = FACTS.shape
    offers = frozenset(
        {Trait.IMAGE, Trait.UNIT_INTERVAL, Trait.FIXED}
    )  # grey images that never change

    def __init__(self, data_dir: str | None = None, split_seed: int = 0) -> None:
        self.data_dir = data_dir
        self.split_seed = split_seed

    def load(self) -> Splits:
        """1,565 / 200 / 200 frames."""
        frames = _read(obtain(FACTS.files[0], data_directory(self.data_dir) / FACTS.folder))
        rows = shuffled_rows(len(frames), self.split_seed)
        grey = Scaled(divisor=256.0, offset=0.5)
        parts = hold_out(rows, *FACTS.sizes[""][1:])
        return Splits(*(Split(row_major(frames[part], 28, 20), grey) for part in parts))

    def provenance(self) -> dict[str, object]:
        """The split's seed."""
        return {"split_seed": self.split_seed}
