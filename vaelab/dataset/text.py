"""Text files of the user's own, one sentence a line."""

from pathlib import Path

from vaelab.dataset.corpus import Selection
from vaelab.dataset.text_data import TextData
from vaelab.dataset.text_files import Sentence, read_sentences
from vaelab.errors import UserError


class Text(TextData):
    """`train`, `valid` and `test` are files; a missing split is cut from training.

    `lower` puts all words in lower case; for the rest see `Selection`.
    """

    own_files = ("train", "valid", "test")

    def __init__(
        self,
        train: str,
        valid: str | None = None,
        test: str | None = None,
        lower: bool = False,
        max_words: int | None = None,
        min_count: int = 1,
        max_vocabulary: int | None = None,
        holdout: float = 0.1,
        split_seed: int = 0,
    ) -> None:
        super().__init__(Selection(max_words, min_count, max_vocabulary, holdout, split_seed))
        given = {"train": train, "valid": valid, "test": test}
        self.files = {name: Path(file).expanduser() for name, file in given.items() if file}
        self.lower = lower

    @property
    def form(self) -> dict[str, object]:
        """Whether words were put in lower case."""
        return {"lower": self.lower}

    def find(self) -> dict[str, Path]:
        """The files as they were named."""
        for name, path in self.files.items():
            if path.is_dir():
                raise UserError(
                    f"dataset.{name}={path} is a folder; name a text file of one sentence a line"
                )
            if not path.exists():
                raise UserError(
                    f"dataset.{name}={path} was not found; name a text file of one sentence a line"
                )
        return self.files

    def sentences(self, split: str, path: Path) -> list[Sentence]:
        """Every line that has a word."""
        return read_sentences(path, labelled=False, lower=self.lower)
