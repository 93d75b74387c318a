"""Sentences of a random LSTM that depend on a point in the plane, 1901.05534.

The toy data of *Lagging Inference Networks and Posterior Collapse in VAEs* (He et al., 2019), in
which the true posterior of a small model can be computed on a grid.
"""

from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from vaelab.dataset.base import Dataset, Splits
from vaelab.dataset.parsed import Arrays, parsed
from vaelab.dataset.random_lstm import MEANS, RandomLstm
from vaelab.dataset.tokens import TokenSplit, padded
from vaelab.dataset.vocabulary import BOS, EOS, SPECIALS, Vocabulary
from vaelab.errors import UserError
from vaelab.traits import Trait


class SyntheticText(Dataset):
    """Every sentence has `length` words of `vocabulary`, which are numbers from 0 on.

    Attributes:
        vocabulary: the four specials and the words.
    """

    offers = frozenset({Trait.TOKENS, Trait.FIXED})

    def __init__(
        self,
        num_train: int = 16_000,
        num_valid: int = 2_000,
        num_test: int = 2_000,
        vocabulary: int = 1_000,
        length: int = 10,
        seed: int = 19950927,
    ) -> None:
        self.sizes = (num_train, num_valid, num_test)
        named = dict(zip(("num_train", "num_valid", "num_test"), self.sizes, strict=True))
        for name, value in (named | {"vocabulary": vocabulary, "length": length}).items():
            if value < 1:
                raise UserError(f"dataset.{name} must be above 0 (got {value})")
        self.vocabulary = Vocabulary([str(word) for word in range(vocabulary)])
        self.length = length
        self.seed = seed

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
        """Arrays "words", from 0 on, [N, length], and "z", [N, 2], of all sentences."""
        kind = f"synthetic_text {sum(self.sizes)} {self.words} {self.length} {self.seed}"
        return parsed(kind, [], self._draw)

    def _draw(self) -> Arrays:
        draws, count = np.random.RandomState(self.seed), sum(self.sizes)
        model = RandomLstm.drawn(draws, self.words)
        component = draws.randint(len(MEANS), size=count, dtype=np.int64)
        z = MEANS[component] + draws.standard_normal((count, 2))
        first = draws.randint(self.words, size=count, dtype=np.int64)
        words = model.sentences(z, first, draws.random_sample((count, self.length - 1)))
        return {"words": words.astype(np.int32), "z": z}

    @property
    def z(self) -> tuple[Tensor, ...]:
        """The point in the plane of each training, validation and test sentence, float64 [N, 2]."""
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
