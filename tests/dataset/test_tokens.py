"""Padded rows and batches of one length, against plain loops."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from vaelab.dataset.tokens import padded, token_split
from vaelab.dataset.vocabulary import PAD, Vocabulary

WORDS = Vocabulary("abcdef")
SENTENCES = [[1, 4, 2], [1, 5, 6, 7, 2], [1, 2], [1, 8, 8, 2], [1, 9, 2]]


@pytest.fixture
def split():
    return token_split(SENTENCES, WORDS, 4)


def test_rows_are_sentences_and_padding(split):
    assert split.x.dtype == torch.int32
    assert split.x.tolist() == [one + [PAD] * (5 - len(one)) for one in SENTENCES]
    assert split.lengths.tolist() == [3, 5, 2, 4, 3]
    assert token_split(SENTENCES, WORDS, 9).x.shape == (5, 9)


def test_sentences_in_one_piece_are_the_same_rows(split):
    flat = torch.tensor([number for one in SENTENCES for number in one])
    other = padded(flat, split.lengths.int(), WORDS, 4)
    assert torch.equal(other.x, split.x)
    assert torch.equal(other.lengths, split.lengths)
    assert other.x.dtype == torch.int32
    assert other.lengths.dtype == torch.int64


def test_a_selection_is_cut_to_its_longest(split):
    chosen = split[torch.tensor([4, 0])]
    assert chosen.dtype == torch.int64
    assert chosen.tolist() == [[1, 9, 2], [1, 4, 2]]
    assert split[torch.tensor([2, 3])].tolist() == [[1, 2, 0, 0], [1, 8, 8, 2]]
    assert split[torch.tensor([], dtype=torch.int64)].shape == (0, 0)


def test_what_is_predicted_are_words_and_end(split):
    assert split.predicted(torch.tensor([1, 2])).tolist() == [4, 1]


def test_some_of_the_rows(split):
    few = split.take(torch.tensor([3, 0]))
    assert few.lengths.tolist() == [4, 3]
    assert few[torch.arange(2)].tolist() == [[1, 8, 8, 2], [1, 4, 2, 0]]
    assert few.vocabulary is split.vocabulary


@given(st.lists(st.integers(0, 6), max_size=60), st.integers(1, 8))
def test_batches_have_one_length_and_every_row_once(words, size):
    lengths = [count + 2 for count in words]
    split = token_split([[1, *[4] * count, 2] for count in words], WORDS, 3)
    batches = split.batches(size)
    assert sorted(row for batch in batches for row in batch.tolist()) == list(range(len(words)))
    for batch in batches:
        assert len({lengths[row] for row in batch}) == 1
        assert (split[batch] != PAD).all()
    # As few batches as there can be: all but one of a length are full.
    assert len(batches) == sum(-(-lengths.count(one) // size) for one in set(lengths))
    shortest_first = [lengths[batch[0]] for batch in batches]
    assert shortest_first == sorted(shortest_first)
