"""Words and their numbers, as the lagging-inference authors' code has them (1901.05534)."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

PAD, BOS, EOS, UNK = range(4)
SPECIALS = ("<pad>", "<s>", "</s>", "<unk>")


class Vocabulary:
    """A number for each word: the four specials, then the words in the order they are given.

    A literal `_UNK` or `<unk>` in a file of which rare words have been cut is a word like any
    other, but for `<unk>` itself, which is UNK; words that are not here become UNK too.

    Args:
        words: distinct, without the specials.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = (*SPECIALS, *words)
        self.numbers = {word: number for number, word in enumerate(self.words)}
        assert len(self.numbers) == len(self.words), "a word was given twice"

    def __len__(self) -> int:
        return len(self.words)

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    @classmethod
    def of(
        cls,
        sentences: Iterable[Sequence[str]],
        min_count: int = 1,
        max_vocabulary: int | None = None,
    ) -> "Vocabulary":
        """Words of the training sentences, in order of first appearance.

        Those seen less often than `min_count` are left out. Of the others the `max_vocabulary`
        most frequent are kept, of equally frequent ones those that appear first; null: all. The
        specials are not counted.
        """
        counts = Counter(word for sentence in sentences for word in sentence)
        for special in SPECIALS:
            del counts[special]
        kept = {word for word, _ in counts.most_common(max_vocabulary)}
        return cls([word for word, n in counts.items() if word in kept and n >= min_count])

    def encode(self, sentence: Sequence[str]) -> list[int]:
        """Numbers of BOS, the words and EOS."""
        return [BOS, *(self.numbers.get(word, UNK) for word in sentence), EOS]

    def text(self, numbers: Iterable[int]) -> str:
        """The words up to the first EOS, without specials, one space between them."""
        words = []
        for number in numbers:
            if number == EOS:
                break
            if number not in (PAD, BOS):
                words.append(self.words[number])
        return " ".join(words)
