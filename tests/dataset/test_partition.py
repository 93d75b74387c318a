"""Splits and binarisations, against numpy's streams."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vaelab.dataset.partition import binarise_once, hold_out, shuffled_rows


@given(st.integers(10, 500), st.integers(0, 5), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_parts_are_disjoint_and_complete(count, one, other, seed):
    parts = hold_out(shuffled_rows(count, seed), one, other)
    assert [len(part) for part in parts] == [count - one - other, one, other]
    assert sorted(np.concatenate(parts).tolist()) == list(range(count))


def test_parts_are_cut_from_the_end_in_order():
    parts = hold_out(np.arange(10), 3, 2)
    assert [part.tolist() for part in parts] == [[0, 1, 2, 3, 4], [5, 6, 7], [8, 9]]


def test_iwae_permutation_is_numpys_with_seed_123():
    assert (shuffled_rows(24_345, 123) == np.random.RandomState(123).permutation(24_345)).all()


def test_binarisation_is_one_stream_valid_then_test():
    valid, test = np.random.RandomState(0).random_sample((2, 40, 784)).astype(np.float32)
    valid[:, :300] = 0  # most pixels of images are exactly 0: they draw all the same
    stream = np.random.RandomState(777)
    expected = stream.binomial(1, valid), stream.binomial(1, test)
    drawn = binarise_once(777, valid, test)
    for one, other in zip(drawn, expected, strict=True):
        assert one.dtype == np.uint8
        assert (one == other).all()
    assert not (binarise_once(777, test)[0] == drawn[1]).all()


def test_what_is_drawn_for_test_does_not_depend_on_valid():
    test = np.full((3, 784), 0.5)
    one = binarise_once(777, np.zeros((2, 784)), test)[1]
    other = binarise_once(777, np.full((2, 784), 0.3), test)[1]
    assert (one == other).all()
