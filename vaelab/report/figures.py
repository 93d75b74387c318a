"""A run's figures as text that a page can hold: pictures made smaller, sentences cut short."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

DRAWN_AGAIN = ("curves",)  # by the page itself, from metrics.csv
FIRST = ("samples", "reconstructions", "pseudo_inputs", "components", "latents")
LETTERS = 6000
SMALL = 24_000  # bytes of a picture that is taken as it is


@dataclass(frozen=True)
class Size:
    """How much of each run's figures a page of many can hold and still open at once.

    Attributes:
        width: pixels that a picture may be across.
        kinds: stems of files that are taken; None: all but curves.
    """

    width: int
    kinds: tuple[str, ...] | None = None

    def __str__(self) -> str:
        kinds = "all" if self.kinds is None else " and ".join(self.kinds)
        return (
            f"pictures ({kinds}) at most {self.width} pixels across, larger ones made smaller as "
            f"WebP; the first {LETTERS:,} letters of texts"
        )


def size(runs: int) -> Size:
    """For a report of so many runs."""
    if runs <= 40:
        return Size(900)
    return Size(640) if runs <= 150 else Size(320, FIRST[:2])


def embedded(folder: Path, most: Size) -> dict[str, str]:
    """Name -> a data address of the picture, or the text; what cannot be read is left out."""
    found: dict[str, str] = {}
    paths = [path for path in folder.glob("*") if path.suffix in (".png", ".txt")]
    for path in sorted(paths, key=order):
        if path.stem in DRAWN_AGAIN or (most.kinds is not None and path.stem not in most.kinds):
            continue
        try:
            text = path.suffix == ".txt"
            found[path.name] = sentences(path) if text else picture(path, most.width)
        except (OSError, UnicodeDecodeError, UnidentifiedImageError, Image.DecompressionBombError):
            continue
    return found


def picture(path: Path, most: int) -> str:
    """As it is where it is small; otherwise as WebP, `most` pixels across or fewer."""
    content, kind = path.read_bytes(), "png"
    with Image.open(io.BytesIO(content)) as image:
        image.load()  # a file that is cut off is found here
        if len(content) > SMALL or image.width > most:
            image = image.convert("RGB")
            if image.width > most:
                size = most, max(1, round(image.height * most / image.width))
                image = image.resize(size, Image.Resampling.BOX)
            file = io.BytesIO()
            image.save(file, "WEBP", quality=60, method=2)
            content, kind = file.getvalue(), "webp"
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def sentences(path: Path) -> str:
    """The first LETTERS of it."""
    text = path.read_text(encoding="utf-8")
    return text if len(text) <= LETTERS else f"{text[:LETTERS]}\n… cut off here"


def order(path: Path) -> tuple[int, str]:
    """Samples and reconstructions before what fewer runs have."""
    return (FIRST.index(path.stem) if path.stem in FIRST else len(FIRST), path.stem)
