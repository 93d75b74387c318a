"""How three papers split and binarise the 28x28 OMNIGLOT.

All hold out the end of a shuffled training part and redraw training images at every use.
`vampprior` (Tomczak & Welling, 1705.07120): 1,345 held out; validation, then test, binarised once
from numpy seed 777; the shuffle is unseeded in the authors' code.
`iwae` (Burda et al., 1509.00519, authors' code): 1,345 held out after `RandomState(123)`'s
permutation; every split is drawn anew at every use.
`savae` (Kim et al., 1802.02550; He et al., 1901.05534): 2,000 held out; validation and test
binarised once; both unseeded in the authors' code.

No paper shrinks them: that is for trying out what takes days in full size.
"""

from dataclasses import dataclass

import numpy as np

from vaelab.dataset.base import Binarised, Split, Splits
from vaelab.dataset.image import block_means, row_major
from vaelab.dataset.partition import (
    binarise_once,
    check_no_seed,
    check_protocol,
    hold_out,
    shuffled_rows,
)
from vaelab.errors import UserError

SIDE = 28
_HELD_OUT = {"vampprior": 1_345, "iwae": 1_345, "savae": 2_000}
_SPLIT_SEED = {"vampprior": 0, "iwae": 123, "savae": 0}
_BINARISE_SEED = {"vampprior": 777, "iwae": None, "savae": 0}


@dataclass(frozen=True)
class OmniglotProtocol:
    """A protocol with its seeds filled in.

    Attributes:
        binarise_seed: None draws at every use.
        shrink: pixels are means of blocks of so many rows and columns; 1: as they are.
    """

    name: str
    split_seed: int
    binarise_seed: int | None
    shrink: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of an image."""
        return 1, SIDE // self.shrink, SIDE // self.shrink

    @property
    def labels(self) -> tuple[str, ...]:
        """What results must say of it."""
        _, height, width = self.shape
        return () if self.shrink == 1 else (f"images shrunk to {height}x{width}",)

    def split(self, train: np.ndarray, test: np.ndarray, divisor: int) -> Splits:
        """Grey rows [N, 784] in 0..divisor to the protocol's splits."""
        if self.shrink > 1:
            train, test = (block_means(part, SIDE, self.shrink) for part in (train, test))
        size = self.shape[1:]
        rows = shuffled_rows(len(train), self.split_seed)
        train, valid = (train[part] for part in hold_out(rows, _HELD_OUT[self.name]))
        dynamic = Binarised(float(divisor))
        if self.binarise_seed is None:
            return Splits(*(Split(row_major(x, *size), dynamic) for x in (train, valid, test)))
        scale = np.float32(divisor)
        valid, test = binarise_once(self.binarise_seed, valid / scale, test / scale)
        return Splits(
            Split(row_major(train, *size), dynamic),
            Split(row_major(valid, *size)),
            Split(row_major(test, *size)),
        )

    def provenance(self) -> dict[str, object]:
        """Everything chosen."""
        return {
            "protocol": self.name,
            "split_seed": self.split_seed,
            "binarise_seed": self.binarise_seed,
            "shrink": self.shrink,
        }


def omniglot_protocol(
    dataset: str,
    name: str,
    split_seed: int | None,
    binarise_seed: int | None,
    shrink: int = 1,
) -> OmniglotProtocol:
    """The protocol `name`; a seed of None is the protocol's own.

    Raises:
        UserError: no such protocol, a binarisation seed where every use draws anew, or blocks
            that do not fill an image.
    """
    check_protocol(dataset, name, _HELD_OUT)
    if _BINARISE_SEED[name] is None:
        check_no_seed(name, binarise_seed)
    if shrink < 1 or SIDE % shrink:
        divisors = ", ".join(str(one) for one in range(1, SIDE + 1) if SIDE % one == 0)
        raise UserError(
            f"dataset.shrink={shrink}: blocks must fill images of {SIDE}x{SIDE}; use one of "
            f"{divisors}"
        )
    return OmniglotProtocol(
        name,
        _SPLIT_SEED[name] if split_seed is None else split_seed,
        _BINARISE_SEED[name] if binarise_seed is None else binarise_seed,
        shrink,
    )
