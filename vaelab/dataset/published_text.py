"""Published text data sets: three files with known checksums, and what their lines must be."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vaelab.dataset.corpus import NAMES, Selection
from vaelab.dataset.download import obtain
from vaelab.dataset.location import data_directory
from vaelab.dataset.source import Content, Facts, RemoteFile
from vaelab.dataset.text_data import TextData
from vaelab.dataset.text_files import Sentence, read_sentences
from vaelab.dataset.verify import checksum
from vaelab.errors import UserError

logger = logging.getLogger(__name__)

TOLERANCE = 0.2  # of the mean number of words: other data sets are further away


@dataclass(frozen=True)
class Form:
    """What the lines of a data set's files are.

    Attributes:
        words: of a document, on average.
        labelled: lines are `label<TAB>text`.
    """

    words: int
    labelled: bool = False


class PublishedText(TextData):
    """Files from a data directory, downloaded if they are not there.

    Args:
        facts: their names and checksums, training, validation and test in this order; the first
            of its sizes are those of the files.
        source: the published split that each split is read from, as {"train": "valid"}; what is
            missing is cut from training.
    """

    def __init__(
        self,
        facts: Facts,
        form: Form,
        data_dir: str | None,
        selection: Selection,
        source: dict[str, str] | None = None,
    ) -> None:
        super().__init__(selection)
        self.facts = facts
        self.lines = form
        self.data_dir = data_dir
        self.source = source or {name: name for name in NAMES}

    @property
    def form(self) -> dict[str, object]:
        """Which published split each split is, and whether labels were left out."""
        return {"source": self.source, "labelled": self.lines.labelled}

    def find(self) -> dict[str, Path]:
        """The files, verified; one that may differ is said to."""
        folder = data_directory(self.data_dir) / self.facts.folder
        published: dict[str, RemoteFile] = dict(zip(NAMES, self.facts.files, strict=True))
        return {split: _found(published[name], folder) for split, name in self.source.items()}

    def sentences(self, split: str, path: Path) -> list[Sentence]:
        """The file's documents, of the published number and about the published length."""
        read = read_sentences(path, self.lines.labelled)
        count = next(iter(self.facts.sizes.values()))[NAMES.index(self.source[split])]
        if len(read) != count:
            raise UserError(
                f"{path} is truncated or not the expected file "
                f"({len(read):,} documents, expected {count:,})"
            )
        words = sum(map(len, read)) / len(read)
        if abs(words / self.lines.words - 1) > TOLERANCE:
            raise UserError(
                f"{path} has {words:.1f} words a document, expected about {self.lines.words}: it "
                "is not the expected file; delete it to download it again"
            )
        return read


def _found(file: RemoteFile, folder: Path) -> Path:
    """The file, with a warning where it is not the known one and need not be."""
    path = obtain(file, folder)
    known = file.contents(file.name)
    if not file.exact and not _is_one_of(path, known):
        logger.warning(
            "%s is not the file whose checksum is known (%s); the papers' numbers may be of "
            "another version of it",
            path,
            " or ".join(content.checksum for content in known),
        )
    return path


def _is_one_of(path: Path, known: Sequence[Content]) -> bool:
    """Whether the file has one of the checksums, of which the first digits may be all we know."""
    return any(
        checksum(path, content.checksum.partition(":")[0]).startswith(content.checksum)
        for content in known
    )
