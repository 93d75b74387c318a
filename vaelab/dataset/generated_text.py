"""What every data set is whose sentences are draws of a language model that depends on z."""

from abc import abstractmethod
from functools import cached_property

import torch
from torch import Tensor

from vaelab.dataset.base import Dataset, Splits
from vaelab.dataset.parsed import Arrays, parsed
from vaelab.dataset.tokens import TokenSplit, padded
from vaelab.dataset.vocabulary import BOS, EOS, SPECIALS, Vocabulary
from vaelab.errors import UserError
from vaelab.traits import Trait


class GeneratedText(Dataset):
    """Independent sentences of one number of words, which are numbers from 0 on.

    Args:
        kind: the generator's name; its draws are kept in the user's cache under it.
        sizes: sentences of training, validation and test.
        vocabulary: words, without the four specials.
        length: words of every sentence.
        seed: of the generator's draws.

    Attributes:
        vocabulary: the four specials and the words.
    """

    offers = frozenset({Trait.TOKENS, Trait.FIXED})

    def __init__(
        self, kind: str, sizes: tuple[int, int, int], vocabulary: int, length: int, seed: int
    ) -> None:
        named = dict(zip(("num_train", "num_valid", "num_test"), sizes, strict=True))
        for name, value in (named | {"vocabulary": vocabulary, "length": length}).items():
            if value < 1:
                raise UserError(f"dataset.{name} must be above 0 (got {value})")
        self.kind = kind
        self.sizes = sizes
        self.vocabulary = Vocabulary([str(word) for word in range(vocabulary)])
        self.length = length
        self.seed = seed

    @abstractmethod
    def draw(self) -> Arrays:
        """Arrays "words", int32 [N, length] from 0 on, and "z", float64 [N, D], of all splits."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(T,): the words, BOS and EOS."""
        return (self.length + 2,)

    @property
    def words(self) -> int:
        """Of the vocabulary, without the specials."""
        return len(self.vocabulary) - len(SPECIALS)

    @cached_property
    def arrays(self) -> Arrays:
        """What `draw` gives, or gave when it was first asked for."""
        kind = f"{self.kind} {sum(self.sizes)} {self.words} {self.length} {self.seed}"
        return parsed(kind, [], self.draw)

    @property
    def z(self) -> tuple[Tensor, ...]:
        """Of which each training, validation and test sentence was drawn, float64 [N, D]."""
        return torch.from_numpy(self.arrays["z"]).split(self.sizes)

    def load(self) -> Splits:
        """Independent sentences of one model."""
        words = torch.from_numpy(self.arrays["words"]) + len(SPECIALS)
        return Splits(*(self._split(part) for part in words.split(self.sizes)))

    def _split(self, words: Tensor) -> TokenSplit:
        ends = torch.tensor([BOS, EOS], dtype=torch.int32).expand(len(words), 2)
        tokens = torch.cat([ends[:, :1], words, ends[:, 1:]], 1)
        lengths = torch.full((len(tokens),), tokens.shape[1])
        return padded(tokens.flatten(), lengths, self.vocabulary, tokens.shape[1])

    def provenance(self) -> dict[str, object]:
        """Sizes and seed."""
        return {
            "sizes": list(self.sizes),
            "vocabulary": self.words,
            "length": self.length,
            "seed": self.seed,
        }
