"""The 28x28 OMNIGLOT of *Importance Weighted Autoencoders* (Burda et al., 2016), 1509.00519.

Grey levels in [0, 1] are the probabilities of the binarisation; images are stored as columns of
the file, each column-major.
"""

from pathlib import Path

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from vaelab.dataset.base import Dataset, Splits
from vaelab.dataset.download import obtain
from vaelab.dataset.facts.omniglot import FACTS
from vaelab.dataset.image import column_major
from vaelab.dataset.location import data_directory
from vaelab.dataset.omniglot_protocol import omniglot_protocol
from vaelab.dataset.parsed import parsed
from vaelab.errors import UserError
from vaelab.traits import Trait

_COUNTS = {"data": 24_345, "testdata": 8_070}


def _parse(path: Path) -> dict[str, np.ndarray]:
    """Grey levels as float32 [N, 784] rows, upright."""
    try:
        contents = loadmat(path, variable_names=list(_COUNTS))
    except (OSError, ValueError, TypeError, MatReadError) as error:
        raise UserError(f"{path} is not a readable MATLAB v5 file ({error})") from error
    rows = {}
    for key, count in _COUNTS.items():
        values = contents.get(key, np.empty(0))
        if values.shape != (784, count):
            raise UserError(f"{path}: {key} has shape {values.shape}, expected {(784, count)}")
        if not (values.min() >= 0 and values.max() <= 1):
            raise UserError(f"{path}: {key} must hold grey levels in [0, 1]")
        upright = column_major(values.T.astype(np.float32), 28, 28)
        rows[key] = upright.reshape(count, 784).numpy()
    return rows


class Omniglot(Dataset):
    """`file` names another file of the same layout in the data set's folder.

    Such a file's content is not checked against Burda's and marks every result "stand-in". Seeds
    of null are the protocol's own, and `shrink` makes images smaller (`omniglot_protocol`).
    """

    offers = frozenset(
        {Trait.IMAGE, Trait.BINARY, Trait.UNIT_INTERVAL}
    )  # binary images, training images redrawn
    pseudo_inputs = (0.05, 0.01)

    def __init__(
        self,
        data_dir: str | None = None,
        file: str = "chardata.mat",
        protocol: str = "vampprior",
        split_seed: int | None = None,
        binarise_seed: int | None = None,
        shrink: int = 1,
    ) -> None:
        self.data_dir = data_dir
        self.file = file
        self.protocol = omniglot_protocol("omniglot", protocol, split_seed, binarise_seed, shrink)
        self.shape = self.protocol.shape
        self.published = file == FACTS.files[0].name
        self.labels = (*(() if self.published else ("stand-in",)), *self.protocol.labels)

    def load(self) -> Splits:
        """The protocol's split of 24,345 training and 8,070 test images."""
        folder = data_directory(self.data_dir) / FACTS.folder
        if self.published:
            path = obtain(FACTS.files[0], folder)
        else:
            path = folder / self.file
            if not path.is_file():
                raise UserError(f"dataset.file={self.file} was not found: no file {path}")
        rows = parsed("omniglot", [path], lambda: _parse(path))
        return self.protocol.split(rows["data"], rows["testdata"], divisor=1)

    def provenance(self) -> dict[str, object]:
        """The file, the protocol and its seeds."""
        return {"file": self.file, **self.protocol.provenance()}
