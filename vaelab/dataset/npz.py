"""Arrays of the user's own in one .npz file.

Keys are x_train or train, x_valid or valid, x_test or test; splits that are missing are cut from
the training array. Arrays are [N, H, W] or [N, C, H, W] (images) or [N, D] (vectors), of bytes
(0..255, or 0/1) or floating point (images in [0, 1], vectors of any values).
"""

import zipfile
import zlib
from functools import cached_property
from pathlib import Path

import numpy as np

from vaelab.dataset.base import Dataset, Splits
from vaelab.dataset.own_data import OwnData
from vaelab.errors import UserError
from vaelab.traits import Trait

_DAMAGE = (OSError, EOFError, ValueError, KeyError, zlib.error, zipfile.BadZipFile)


def _header(archive: zipfile.ZipFile, key: str) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of one array without its data."""
    with archive.open(f"{key}.npy") as file:
        version = np.lib.format.read_magic(file)
        read = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read(file)
    return shape, dtype


def _event(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Event shape of an array: one channel is added to [N, H, W]."""
    return (1, *shape[1:]) if len(shape) == 3 else shape[1:]


class Npz(Dataset):
    """`file` is the path of the .npz; for `binarise` and the seeds see `OwnData`."""

    own_files = ("file",)

    def __init__(
        self,
        file: str,
        binarise: str = "none",
        binarise_seed: int = 0,
        holdout: float = 0.1,
        split_seed: int = 0,
    ) -> None:
        self.path = Path(file).expanduser()
        self.settings = OwnData(binarise, binarise_seed, holdout, split_seed)

    @cached_property
    def headers(self) -> dict[str, tuple[str, tuple[int, ...], np.dtype]]:
        """Key, shape and type by split, checked against each other.

        Raises:
            UserError: no such file, no training array, or arrays that do not belong together.
        """
        found = {}
        try:
            with zipfile.ZipFile(self.path) as archive:
                keys = {name.removesuffix(".npy") for name in archive.namelist()}
                for split in ("train", "valid", "test"):
                    for key in (f"x_{split}", split):
                        if key in keys and split not in found:
                            found[split] = (key, *_header(archive, key))
        except FileNotFoundError:
            raise UserError(f"dataset.file={self.path} was not found") from None
        except _DAMAGE as error:
            raise UserError(f"{self.path} is not a readable .npz file ({error})") from error
        if "train" not in found:
            has = ", ".join(sorted(keys)) or "nothing"
            raise UserError(f"{self.path} needs an array x_train or train (it has {has})")
        events = {split: _event(shape) for split, (_, shape, _) in found.items()}
        types = {split: dtype for split, (_, _, dtype) in found.items()}
        for name, seen in (("shapes", events), ("types", types)):
            if len(set(seen.values())) > 1:
                told = ", ".join(f"{split} {value}" for split, value in seen.items())
                raise UserError(f"{self.path}: splits have different {name}: {told}")
        if len(events["train"]) not in (1, 3):
            shape = found["train"][1]
            raise UserError(
                f"{self.path}: {found['train'][0]} has shape {shape}; "
                "use [N, H, W], [N, C, H, W] or [N, D]"
            )
        return found

    @property
    def shape(self) -> tuple[int, ...]:
        """Read from the training array's header."""
        return _event(self.headers["train"][1])

    @property
    def offers(self) -> frozenset[Trait]:
        """By rank, type and `binarise`."""
        image = len(self.shape) == 3
        traits = {Trait.IMAGE if image else Trait.VECTOR}
        if self.settings.binarise != "none":
            traits |= {Trait.BINARY, Trait.UNIT_INTERVAL}
        elif image or self.headers["train"][2] == np.uint8:
            traits.add(Trait.UNIT_INTERVAL)
        if self.settings.binarise != "dynamic":
            traits.add(Trait.FIXED)
        return frozenset(traits)

    def load(self) -> Splits:
        """The file's arrays, missing splits cut from the training array."""
        headers = self.headers
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as held:
                parts = {split: held[key] for split, (key, _, _) in headers.items()}
        except _DAMAGE as error:
            raise UserError(f"{self.path} is not a readable .npz file ({error})") from error
        parts = {k: v.astype(np.uint8) if v.dtype == bool else v for k, v in parts.items()}
        return self.settings.splits(str(self.path), parts, self.shape)

    def provenance(self) -> dict[str, object]:
        """The file's name, and how it was split and binarised."""
        return {"file": self.path.name, **self.settings.provenance()}
