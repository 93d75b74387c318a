"""Numbers of words, by hand."""

import pytest

from vaelab.dataset.vocabulary import BOS, EOS, PAD, UNK, Vocabulary

SENTENCES = [line.split() for line in ("b a b", "c <unk> a", "b d")]


def test_specials_come_first_and_words_in_order_of_first_appearance():
    vocabulary = Vocabulary.of(SENTENCES)
    assert list(vocabulary) == ["<pad>", "<s>", "</s>", "<unk>", "b", "a", "c", "d"]
    assert (PAD, BOS, EOS, UNK) == (0, 1, 2, 3)
    assert len(vocabulary) == 8


def test_sentences_have_ends_and_unknown_words_are_unk():
    vocabulary = Vocabulary.of(SENTENCES)
    assert vocabulary.encode("a x <unk> d".split()) == [1, 5, 3, 3, 7, 2]
    assert vocabulary.encode([]) == [1, 2]


def test_text_ends_at_the_first_end():
    vocabulary = Vocabulary.of(SENTENCES)
    assert vocabulary.text([1, 5, 3, 7, 2, 4, 4, 0]) == "a <unk> d"
    assert vocabulary.text([5, 0, 7]) == "a d"


@pytest.mark.parametrize(
    ("min_count", "max_vocabulary", "kept"),
    [
        (1, None, "bacd"),
        (2, None, "ba"),
        (3, None, "b"),
        (4, None, ""),
        (1, 1, "b"),
        (1, 3, "bac"),  # c and d are equally rare: the first stays
        (2, 3, "ba"),
        (1, 99, "bacd"),
    ],
)
def test_rare_words_are_cut(min_count, max_vocabulary, kept):
    vocabulary = Vocabulary.of(SENTENCES, min_count, max_vocabulary)
    assert vocabulary.words[4:] == tuple(kept)
