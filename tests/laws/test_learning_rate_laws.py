"""Laws of every learning-rate schedule: a positive, pure function of the epoch."""

import pytest

from tests.laws import components
from tests.laws.components import options

EPOCHS = 500  # of a run, for schedules without a length of their own


def build(group, option):
    """With the epochs of the run, for those that ask."""
    return components.build(group, option, {"epochs": EPOCHS})


RATES = pytest.mark.parametrize("option", options("learning_rate"))


@RATES
def test_factors_are_positive_and_depend_on_nothing_but_the_epoch(option):
    rate = build("learning_rate", option)
    epochs = range(rate.length or EPOCHS)
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
    length = rate.length or EPOCHS
    assert (len({rate.factor(epoch) for epoch in range(length)}) > 1) == rate.varies
    assert rate.factor(length) == rate.factor(length + 1000) == rate.factor(length - 1)
    assert rate.cut_short(length) == ()
    if rate.length:
        assert rate.cut_short(length - 1)


@RATES
def test_a_budget_decides_always_or_never_and_begins_and_goes_down_like_epochs(option):
    rate = build("learning_rate", option)
    shares = [step / 100 for step in range(131)]
    factors = [rate.of_budget(share) for share in shares]
    if None in factors:
        assert set(factors) == {None}
        return
    assert factors[0] == 1
    assert factors == sorted(factors, reverse=True)
    assert len(set(factors[100:])) == 1
    assert min(factors[:100]) > 0
