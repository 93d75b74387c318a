"""Image files of the user's own, read from a folder and its subfolders.

With subfolders train, valid and test these are the splits; otherwise, and for what is missing,
splits are cut from the training images by seed.
"""

from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from vaelab.dataset.base import Dataset, Splits
from vaelab.dataset.own_data import OwnData
from vaelab.dataset.parsed import parsed
from vaelab.errors import UserError
from vaelab.traits import Trait

_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm"}
)
_MODES = {1: "L", 3: "RGB"}


def _images(folder: Path) -> list[Path]:
    """Image files below a folder, in order of their names; hidden ones are left out."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in _SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )


class Folder(Dataset):
    """`size` is [height, width] to resize to; null: all images must agree.

    `channels` is 1 (grey) or 3; for `binarise` and the seeds see `OwnData`.
    """

    own_files = ("folder",)

    def __init__(
        self,
        folder: str,
        size: list[int] | None = None,
        channels: int = 1,
        binarise: str = "none",
        binarise_seed: int = 0,
        holdout: float = 0.1,
        split_seed: int = 0,
    ) -> None:
        if channels not in _MODES:
            raise UserError(f"dataset.channels must be 1 or 3 (got {channels})")
        if size is not None and (len(size) != 2 or min(size) < 1):
            raise UserError(f"dataset.size must be [height, width] or null (got {size})")
        self.folder = Path(folder).expanduser()
        self.size = None if size is None else (size[0], size[1])
        self.channels = channels
        self.settings = OwnData(binarise, binarise_seed, holdout, split_seed)

    @cached_property
    def files(self) -> dict[str, list[Path]]:
        """Image files by split.

        Raises:
            UserError: no such folder, no images, or held-out images without training images.
        """
        if not self.folder.is_dir():
            raise UserError(f"dataset.folder={self.folder} is not a folder")
        names = [name for name in ("train", "valid", "test") if (self.folder / name).is_dir()]
        if not names:
            found = {"train": _images(self.folder)}
        elif "train" not in names:
            raise UserError(f"{self.folder} has a subfolder {names[0]} but none named train")
        else:
            found = {name: _images(self.folder / name) for name in names}
        for name, paths in found.items():
            if not paths:
                raise UserError(f"no image files in {self.folder} for the split {name}")
        return found

    @property
    def shape(self) -> tuple[int, ...]:
        """`size`, or that of the first training image (only its header is read)."""
        return (self.channels, *(self.size or self._read_size(self.files["train"][0])))

    @property
    def offers(self) -> frozenset[Trait]:
        """Images, binary if binarised."""
        traits = {Trait.IMAGE, Trait.UNIT_INTERVAL}
        if self.settings.binarise != "none":
            traits.add(Trait.BINARY)
        if self.settings.binarise != "dynamic":
            traits.add(Trait.FIXED)
        return frozenset(traits)

    def load(self) -> Splits:
        """All images as bytes."""
        paths = [path for found in self.files.values() for path in found]
        kind = f"folder {self.channels} {self.size} {[len(v) for v in self.files.values()]}"
        arrays = parsed(kind, paths, self._parse)
        return self.settings.splits(str(self.folder), arrays, self.shape)

    def provenance(self) -> dict[str, object]:
        """The folder's name, what was made of its images, how they were split and binarised."""
        settings = self.settings.provenance()
        return {
            "folder": self.folder.name,
            "size": list(self.size) if self.size else None,
            "channels": self.channels,
            **settings,
        }

    def _parse(self) -> dict[str, np.ndarray]:
        """[N, C, H, W] bytes by split."""
        shape = self.shape
        first = self.files["train"][0]
        arrays = {}
        for split, paths in self.files.items():
            stacked = np.empty((len(paths), *shape), np.uint8)
            for row, path in zip(stacked, paths, strict=True):
                pixels = self._read(path)
                if pixels.shape != shape:
                    raise UserError(
                        f"images differ in size: {first} is {shape[1]}x{shape[2]}, {path} is "
                        f"{pixels.shape[1]}x{pixels.shape[2]}; set dataset.size=[HEIGHT,WIDTH]"
                    )
                row[:] = pixels
            arrays[split] = stacked
        return arrays

    def _read_size(self, path: Path) -> tuple[int, int]:
        try:
            with Image.open(path) as image:
                return image.height, image.width
        except (OSError, UnidentifiedImageError) as error:
            raise UserError(f"{path} is not a readable image ({error})") from error

    def _read(self, path: Path) -> np.ndarray:
        """One image as bytes [C, H, W]."""
        try:
            with Image.open(path) as image:
                if image.mode.startswith(("I", "F")):
                    raise UserError(f"{path} has more than 8 bits a channel ({image.mode})")
                image = image.convert(_MODES[self.channels])
                if self.size is not None:
                    height, width = self.size
                    image = image.resize((width, height), Image.Resampling.BILINEAR)
                pixels = np.asarray(image)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise UserError(f"{path} is not a readable image ({error})") from error
        return pixels[None] if self.channels == 1 else pixels.transpose(2, 0, 1)
