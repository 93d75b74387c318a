"""What data sets made of the user's own files share: missing splits, checks, binarisation."""

from dataclasses import dataclass

import numpy as np
import torch

from vaelab.dataset.base import Binarised, Scaled, Split, Splits
from vaelab.dataset.partition import binarise_once, hold_out, shuffled_rows
from vaelab.errors import UserError

BINARISE = ("none", "fixed", "dynamic")


@dataclass(frozen=True)
class OwnData:
    """Settings of a data set read from the user's own files.

    Attributes:
        binarise: "none": values as they are; "fixed": every image drawn once, by `binarise_seed`;
            "dynamic": training images drawn at every use, the others once.
        holdout: fraction of the training part that each missing split takes.
        split_seed: which rows it takes.
    """

    binarise: str
    binarise_seed: int
    holdout: float
    split_seed: int

    def __post_init__(self) -> None:
        if self.binarise not in BINARISE:
            raise UserError(
                f"dataset.binarise={self.binarise} does not exist; use {' or '.join(BINARISE)}"
            )
        if not 0 < self.holdout < 0.5:
            raise UserError(f"dataset.holdout must lie between 0 and 0.5 (got {self.holdout})")

    def splits(self, source: str, parts: dict[str, np.ndarray], shape: tuple[int, ...]) -> Splits:
        """Arrays of "train" and, where there are any, "valid" and "test" to three splits.

        `source` names the files in errors; every array is [N, *shape] up to a channel axis.

        Raises:
            UserError: an array is empty, has NaN, or values out of range for what it holds.
        """
        for name, values in parts.items():
            _check(f"{source}: {name}", values)
        arrays = self._completed(source, parts)
        arrays = [values.reshape(-1, *shape) for values in arrays]
        if arrays[0].dtype != np.uint8:
            arrays = [values.astype(np.float32) for values in arrays]
        if self.binarise == "none" and len(shape) == 1 and arrays[0].dtype != np.uint8:
            return Splits(*map(_split, arrays))  # vectors of any real numbers
        divisor = _divisor(source, arrays)
        if self.binarise == "none":
            # A grey level v is the middle of its bin of width 1/256, as in VampPrior's code.
            read = Scaled(256.0, 0.5) if divisor == 255 else None
            return Splits(*(_split(values, read) for values in arrays))
        scale = np.float32(divisor)
        if self.binarise == "fixed":
            drawn = binarise_once(self.binarise_seed, *(values / scale for values in arrays))
            return Splits(*map(_split, drawn))
        held = binarise_once(self.binarise_seed, *(values / scale for values in arrays[1:]))
        return Splits(_split(arrays[0], Binarised(float(divisor))), *map(_split, held))

    def _completed(self, source: str, parts: dict[str, np.ndarray]) -> list[np.ndarray]:
        """Training, validation and test arrays, missing ones cut from the shuffled training."""
        missing = [name for name in ("valid", "test") if name not in parts]
        if missing:
            train = parts["train"]
            count = max(1, round(self.holdout * len(train)))
            if len(train) <= count * len(missing):
                raise UserError(f"{source}: {len(train)} examples are too few to hold some out")
            rows = shuffled_rows(len(train), self.split_seed)
            cut = hold_out(rows, *(count for _ in missing))
            names = ("train", *missing)
            parts = parts | {name: train[rows] for name, rows in zip(names, cut, strict=True)}
        return [parts[name] for name in ("train", "valid", "test")]

    def provenance(self) -> dict[str, object]:
        """How the data were split and binarised."""
        return {
            "binarise": self.binarise,
            "binarise_seed": self.binarise_seed,
            "holdout": self.holdout,
            "split_seed": self.split_seed,
        }


def _split(values: np.ndarray, read: Binarised | Scaled | None = None) -> Split:
    x = torch.from_numpy(np.require(values, requirements=["C", "W"]))
    return Split(x) if read is None else Split(x, read)


def _check(source: str, values: np.ndarray) -> None:
    if values.dtype != np.uint8 and not np.issubdtype(values.dtype, np.floating):
        raise UserError(f"{source} has values of type {values.dtype}; use uint8 or float32")
    if values.size == 0:
        raise UserError(f"{source} is empty (shape {values.shape})")
    if not np.isfinite(values).all():
        raise UserError(f"{source} has NaN or infinite values")


def _divisor(source: str, arrays: list[np.ndarray]) -> int:
    """What divides stored values into [0, 1]: 255 for grey bytes, 1 for 0/1 bytes and floats."""
    low = min(values.min() for values in arrays)
    high = max(values.max() for values in arrays)
    if arrays[0].dtype == np.uint8:
        return 255 if high > 1 else 1
    if low < 0 or high > 1:
        raise UserError(
            f"{source} has values in [{low:g}, {high:g}]; images and what is to be binarised must "
            "be uint8 in 0..255 or floating point in [0, 1]"
        )
    return 1
