"""MNIST with training images binarised at every use, as two papers split and binarise it.

`vampprior`: *VAE with a VampPrior* (Tomczak & Welling, 2018), 1705.07120: 50,000 / 10,000 /
10,000 in file order; validation, then test, binarised once from numpy seed 777 (authors' code).
`iwae`: *Importance Weighted Autoencoders* (Burda et al., 2016), 1509.00519: the authors' code
trains on 59,600, holds out the last 400, and draws every split anew at every use.
"""

import numpy as np

from vaelab.dataset.base import Binarised, Dataset, Split, Splits
from vaelab.dataset.download import obtain
from vaelab.dataset.facts.mnist import FACTS
from vaelab.dataset.idx import read_idx
from vaelab.dataset.image import row_major
from vaelab.dataset.location import data_directory
from vaelab.dataset.parsed import parsed
from vaelab.dataset.partition import binarise_once, check_no_seed, check_protocol, hold_out
from vaelab.traits import Trait

_WHITE = np.float32(255)


class Mnist(Dataset):
    """`binarise_seed: null` is the protocol's own: 777 for vampprior, none for iwae."""

    shape = FACTS.shape
    offers = frozenset(
        {Trait.IMAGE, Trait.BINARY, Trait.UNIT_INTERVAL}
    )  # binary images, training images redrawn
    pseudo_inputs = (0.05, 0.01)

    def __init__(
        self,
        data_dir: str | None = None,
        protocol: str = "vampprior",
        binarise_seed: int | None = None,
    ) -> None:
        check_protocol("mnist", protocol, FACTS.sizes)
        if protocol == "iwae":
            check_no_seed(protocol, binarise_seed)
        elif binarise_seed is None:
            binarise_seed = 777
        self.data_dir = data_dir
        self.protocol = protocol
        self.binarise_seed = binarise_seed

    def load(self) -> Splits:
        """The original files in their order, the end of the training file held out."""
        folder = data_directory(self.data_dir) / FACTS.folder
        paths = [obtain(file, folder) for file in FACTS.files]
        pixels, test = (read_idx(path) for path in paths)
        train, valid = hold_out(pixels, FACTS.sizes[self.protocol][1])
        dynamic = Binarised(255.0)
        if self.binarise_seed is None:
            valid_split = Split(row_major(valid, 28, 28), dynamic)
            test_split = Split(row_major(test, 28, 28), dynamic)
        else:
            seed = self.binarise_seed

            def draw() -> dict[str, np.ndarray]:
                drawn = binarise_once(seed, valid / _WHITE, test / _WHITE)
                return dict(zip(("valid", "test"), drawn, strict=True))

            fixed = parsed(f"mnist-binarised {self.protocol} {seed}", paths, draw)
            valid_split = Split(row_major(fixed["valid"], 28, 28))
            test_split = Split(row_major(fixed["test"], 28, 28))
        return Splits(Split(row_major(train, 28, 28), dynamic), valid_split, test_split)

    def provenance(self) -> dict[str, object]:
        """Protocol and the seed of the fixed binarisation."""
        return {"protocol": self.protocol, "binarise_seed": self.binarise_seed}
