"""Sentences of three splits as numbers, and how they are made of words."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch

from vaelab.dataset.base import Splits
from vaelab.dataset.parsed import Arrays
from vaelab.dataset.partition import hold_out, shuffled_rows
from vaelab.dataset.text_files import Sentence
from vaelab.dataset.tokens import TokenSplit, padded
from vaelab.dataset.vocabulary import SPECIALS, Vocabulary
from vaelab.errors import UserError

NAMES = ("train", "valid", "test")
LEAST = 2  # sentences of a split that is cut: a standard error needs two


@dataclass(frozen=True)
class Selection:
    """Which sentences and words of the files are used.

    Attributes:
        max_words: sentences of more words are left out of every split; null: none are.
        min_count: words seen less often in training become UNK.
        max_vocabulary: of the others, so many of the most frequent are kept; null: all.
        holdout: fraction of the training sentences that each missing split takes, two at least.
        split_seed: which sentences it takes.
    """

    max_words: int | None
    min_count: int = 1
    max_vocabulary: int | None = None
    holdout: float = 0.1
    split_seed: int = 0

    def __post_init__(self) -> None:
        for name in ("max_words", "min_count", "max_vocabulary"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UserError(f"dataset.{name} must be at least 1 (got {value})")
        if not 0 < self.holdout < 0.5:
            raise UserError(f"dataset.holdout must lie between 0 and 0.5 (got {self.holdout})")

    @property
    def labels(self) -> tuple[str, ...]:
        """Marks of results on the sentences that are left."""
        words = self.max_words
        return () if words is None else (f"documents of at most {words} words",)

    def corpus(self, source: str, parts: Mapping[str, list[Sentence]]) -> "Corpus":
        """Number the sentences of "train" and, where there are any, "valid" and "test".

        Words that training sentences do not have are UNK in the others. `source` names the
        training file in errors.

        Raises:
            UserError: a split has no sentence left, or training too few to hold some out.
        """
        short = {name: self._short(name, sentences) for name, sentences in parts.items()}
        parts = self._completed(source, short)
        vocabulary = Vocabulary.of(parts["train"], self.min_count, self.max_vocabulary)
        flat, lengths = {}, {}
        for name in NAMES:
            encoded = [vocabulary.encode(words) for words in parts[name]]
            lengths[name] = np.array([len(one) for one in encoded], np.int32)
            flat[name] = np.fromiter(chain.from_iterable(encoded), np.int32, lengths[name].sum())
        return Corpus(vocabulary, flat, lengths)

    def _short(self, name: str, sentences: list[Sentence]) -> list[Sentence]:
        if self.max_words is None:
            return sentences
        short = [words for words in sentences if len(words) <= self.max_words]
        if not short:
            shortest = min(map(len, sentences))
            raise UserError(
                f"dataset.max_words={self.max_words} leaves nothing of {name}, whose shortest "
                f"sentence has {shortest} words; set it to {shortest} or more"
            )
        return short

    def _completed(
        self, source: str, parts: dict[str, list[Sentence]]
    ) -> dict[str, list[Sentence]]:
        """Missing splits cut from the shuffled training sentences, as from the user's images."""
        missing = [name for name in NAMES if name not in parts]
        if not missing:
            return parts
        train = parts["train"]
        count = max(LEAST, round(self.holdout * len(train)))
        if len(train) <= count * len(missing):
            few = "1 sentence is" if len(train) == 1 else f"{len(train)} sentences are"
            raise UserError(
                f"{source}: {few} too few to hold some out; name files for "
                "dataset.valid and dataset.test, or give more sentences"
            )
        rows = hold_out(shuffled_rows(len(train), self.split_seed), *(count for _ in missing))
        cut = zip(("train", *missing), rows, strict=True)
        return parts | {name: [train[row] for row in part] for name, part in cut}


@dataclass(frozen=True)
class Corpus:
    """Numbered sentences, BOS ... EOS, one behind the other.

    Attributes:
        flat: by split, int32 [tokens of all sentences].
        lengths: by split, tokens of each sentence, int32 [N].
    """

    vocabulary: Vocabulary
    flat: Mapping[str, np.ndarray]
    lengths: Mapping[str, np.ndarray]

    @property
    def longest(self) -> int:
        """Tokens of the longest training sentence."""
        return int(self.lengths["train"].max())

    def splits(self) -> Splits:
        """Padded rows."""
        return Splits(*(self._split(name) for name in NAMES))

    def _split(self, name: str) -> TokenSplit:
        flat, lengths = torch.from_numpy(self.flat[name]), torch.from_numpy(self.lengths[name])
        return padded(flat, lengths, self.vocabulary, self.longest)

    def arrays(self) -> Arrays:
        """What `of_arrays` makes the same corpus of."""
        words = "\n".join(self.vocabulary.words[len(SPECIALS) :])
        tokens = {f"{name}_tokens": self.flat[name] for name in NAMES}
        lengths = {f"{name}_lengths": self.lengths[name] for name in NAMES}
        return {"words": np.frombuffer(words.encode(), np.uint8)} | tokens | lengths

    @classmethod
    def of_arrays(cls, arrays: Arrays) -> "Corpus":
        """The corpus that `arrays` stored."""
        text = arrays["words"].tobytes().decode()
        flat = {name: arrays[f"{name}_tokens"] for name in NAMES}
        lengths = {name: arrays[f"{name}_lengths"] for name in NAMES}
        return cls(Vocabulary(text.split("\n") if text else []), flat, lengths)
