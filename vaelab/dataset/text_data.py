"""What every data set of sentences in text files is."""

from abc import abstractmethod
from functools import cached_property
from pathlib import Path

from vaelab.dataset.base import Dataset, Splits
from vaelab.dataset.corpus import Corpus, Selection
from vaelab.dataset.parsed import parsed
from vaelab.dataset.text_files import Sentence
from vaelab.dataset.verify import checksum
from vaelab.dataset.vocabulary import Vocabulary
from vaelab.traits import Trait


class TextData(Dataset):
    """Sentences of files, and the vocabulary of the training sentences.

    Shape and vocabulary are those of the training file, so that asking for them reads the files;
    what they hold is kept, numbered, in the user's cache.

    Args:
        selection: which sentences and words of the files are used.
    """

    offers = frozenset({Trait.TOKENS, Trait.FIXED})

    def __init__(self, selection: Selection) -> None:
        self.selection = selection
        self.labels = selection.labels

    @property
    @abstractmethod
    def form(self) -> dict[str, object]:
        """What decides how the files are read, in plain types."""

    @abstractmethod
    def find(self) -> dict[str, Path]:
        """The files of "train" and, where there are any, "valid" and "test"; downloads them.

        Raises:
            UserError: one cannot be had.
        """

    @abstractmethod
    def sentences(self, split: str, path: Path) -> list[Sentence]:
        """The words of one file's sentences.

        Raises:
            UserError: it is not what was expected.
        """

    @cached_property
    def paths(self) -> dict[str, Path]:
        """The files, by split."""
        return self.find()

    @cached_property
    def corpus(self) -> Corpus:
        """Every split's sentences, numbered."""
        kind = f"text {self.form} {self.selection} {list(self.paths)}"
        arrays = parsed(kind, list(self.paths.values()), lambda: self._corpus().arrays())
        return Corpus.of_arrays(arrays)

    def _corpus(self) -> Corpus:
        parts = {split: self.sentences(split, path) for split, path in self.paths.items()}
        return self.selection.corpus(str(self.paths["train"]), parts)

    @property
    def vocabulary(self) -> Vocabulary:
        """The training sentences' words."""
        return self.corpus.vocabulary

    @property
    def shape(self) -> tuple[int, ...]:
        """(T,): tokens of the longest training sentence, BOS and EOS among them."""
        return (self.corpus.longest,)

    def load(self) -> Splits:
        """Token splits with one vocabulary."""
        return self.corpus.splits()

    def provenance(self) -> dict[str, object]:
        """The files by name and checksum, how they were read, and what of them was used."""
        files = {path.name: checksum(path, "sha256") for path in self.paths.values()}
        return {"files": files, **self.form, **vars(self.selection)}
