"""Laws of every learning-rate schedule: a positive, pure function of the epoch."""

import pytest

from tests.laws.components import build, options

RATES = pytest.mark.parametrize("option", options("learning_rate"))


@RATES
def test_factors_are_positive_and_depend_on_nothing_but_the_epoch(option):
    rate = build("learning_rate", option)
    epochs = range(rate.length or 500)
    factors = [rate.factor(epoch) for epoch in epochs]
    assert min(factors) > 0
    assert [rate.factor(epoch) for epoch in reversed(epochs)] == factors[::-1]


@RATES
def test_training_begins_at_the_optimisers_own_rate(option):
    assert build("learning_rate", option).factor(0) == 1


FIXED = [one for one in options("learning_rate") if not build("learning_rate", one).state]


@pytest.mark.parametrize("option", FIXED)
def test_it_varies_if_it_says_so_and_ends_settled(option):
    rate = build("learning_rate", option)
    length = rate.length or 500
    assert (len({rate.factor(epoch) for epoch in range(length)}) > 1) == rate.varies
    assert rate.factor(length) == rate.factor(length + 1000) == rate.factor(length - 1)
    assert rate.cut_short(length) == ()
    if rate.length:
        assert rate.cut_short(length - 1)
