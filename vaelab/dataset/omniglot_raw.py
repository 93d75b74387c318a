"""OMNIGLOT from the original 105x105 drawings (Lake et al., 2015), area-averaged to 28x28.

A stand-in for Burda's 28x28 file, made in another way: the first 15 drawers of every character
for training and validation, the last 5 for test. Its likelihoods are not the papers'.
"""

import io
import re
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from vaelab.dataset.base import Dataset, Splits
from vaelab.dataset.download import obtain
from vaelab.dataset.facts.omniglot_raw import CHARACTERS, FACTS
from vaelab.dataset.location import data_directory
from vaelab.dataset.omniglot_protocol import omniglot_protocol
from vaelab.dataset.parsed import parsed
from vaelab.errors import UserError
from vaelab.traits import Trait

_SIDE, _SMALL = 105, 28
_DRAWERS, _TRAIN_DRAWERS = 20, 15
_NAME = re.compile(r"images_\w+/([^/]+/character\d+)/\d+_(\d+)\.png")
# A small pixel covers 105/28 = 15/4 of a large one: both grids fit one with 4 units to a large
# pixel and 15 to a small one, so that grey levels are whole numbers of 15 x 15 = 225 parts.
_PARTS = 225


def _overlap() -> np.ndarray:
    """[28, 105] whole numbers: units a small pixel shares with a large one along one axis."""
    unit = np.arange(4 * _SIDE)
    weights = np.zeros((_SMALL, _SIDE), np.float32)
    np.add.at(weights, (unit // 15, unit // 4), 1)
    return weights


def shrink(ink: np.ndarray) -> np.ndarray:
    """Area averages of 0/1 drawings [N, 105, 105], in 225ths: uint8 [N, 28, 28], exactly."""
    weights = _overlap()
    return (weights @ ink.astype(np.float32) @ weights.T).astype(np.uint8)


def _drawing(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """Ink as ones (the files are white paper): bool [105, 105]."""
    with Image.open(io.BytesIO(archive.read(name))) as image:
        return ~np.asarray(image.convert("1"))


def _characters(path: Path) -> dict[str, dict[int, str]]:
    """Member names by character, then drawer; checked for completeness."""
    characters: dict[str, dict[int, str]] = {}
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if match := _NAME.fullmatch(name):
                characters.setdefault(match[1], {})[int(match[2])] = name
    expected = CHARACTERS[path.name]
    drawers = set(range(1, _DRAWERS + 1))
    whole = sum(set(drawings) == drawers for drawings in characters.values())
    if len(characters) != expected or whole != expected:
        raise UserError(
            f"{path} is not the expected archive: {whole} of {len(characters)} characters have "
            f"{_DRAWERS} drawings, expected {expected} of {expected}"
        )
    return characters


def _read(path: Path) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Training and test images of one archive, one [D, 28, 28] array a character."""
    train, test = [], []
    with zipfile.ZipFile(path) as archive:
        for drawings in _characters(path).values():
            ink = np.stack([_drawing(archive, drawings[drawer]) for drawer in sorted(drawings)])
            if ink.shape[1:] != (_SIDE, _SIDE):
                raise UserError(f"{path}: drawings are {ink.shape[1:]}, expected {(_SIDE, _SIDE)}")
            small = shrink(ink)
            train.append(small[:_TRAIN_DRAWERS])
            test.append(small[_TRAIN_DRAWERS:])
    return train, test


def _parse(paths: list[Path]) -> dict[str, np.ndarray]:
    train, test = [], []
    for path in paths:
        try:
            train_part, test_part = _read(path)
        except (OSError, ValueError, zipfile.BadZipFile, UnidentifiedImageError) as error:
            raise UserError(f"{path} is truncated or damaged ({error})") from error
        train += train_part
        test += test_part
    return {
        "train": np.concatenate(train).reshape(-1, _SMALL * _SMALL),
        "test": np.concatenate(test).reshape(-1, _SMALL * _SMALL),
    }


class OmniglotRaw(Dataset):
    """Seeds of null are the protocol's own; `shrink` makes images smaller (`omniglot_protocol`)."""

    offers = frozenset(
        {Trait.IMAGE, Trait.BINARY, Trait.UNIT_INTERVAL}
    )  # binary images, training images redrawn
    pseudo_inputs = (0.05, 0.01)

    def __init__(
        self,
        data_dir: str | None = None,
        protocol: str = "vampprior",
        split_seed: int | None = None,
        binarise_seed: int | None = None,
        shrink: int = 1,
    ) -> None:
        self.data_dir = data_dir
        self.protocol = omniglot_protocol(
            "omniglot_raw", protocol, split_seed, binarise_seed, shrink
        )
        self.shape = self.protocol.shape
        self.labels = ("stand-in", *self.protocol.labels)

    def load(self) -> Splits:
        """The protocol's split of 24,345 training and 8,115 test images."""
        folder = data_directory(self.data_dir) / FACTS.folder
        paths = [obtain(file, folder) for file in FACTS.files]
        rows = parsed("omniglot_raw", paths, lambda: _parse(paths))
        return self.protocol.split(rows["train"], rows["test"], divisor=_PARTS)

    def provenance(self) -> dict[str, object]:
        """How the images were made, the protocol and its seeds."""
        return {"resized": "105x105 area-averaged to 28x28", **self.protocol.provenance()}
