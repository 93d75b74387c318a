"""Cyclical annealing against a table made by hand."""

import pytest

from vaelab.errors import UserError
from vaelab.schedule.cyclical import Cyclical

# Two cycles of four epochs, rising over half of each; epochs counted from 1.
BY_EPOCH = [0.5, 1.0, 1.0, 1.0, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0]
# The same with two steps an epoch: quarters of the rise, the coming step included.
BY_STEP = [0.25, 0.5, 0.75, 1, 1, 1, 1, 1] * 2 + [1, 1, 1, 1]


def test_by_epoch():
    schedule = Cyclical(0.0, 1.0, cycles=2, length=4.0, rise=0.5, by="epoch")
    assert [schedule.beta(epoch, 1, 3) for epoch in range(10)] == BY_EPOCH


def test_by_step():
    schedule = Cyclical(0.0, 1.0, cycles=2, length=4.0, rise=0.5, by="step")
    assert [schedule.beta(e, s, 2) for e in range(10) for s in range(2)] == BY_STEP


def test_between_other_ends_with_a_rise_over_the_whole_cycle():
    schedule = Cyclical(0.2, 0.8, cycles=3, length=2.0, rise=1.0, by="step")
    values = [schedule.beta(e, s, 2) for e in range(7) for s in range(2)]
    assert values == pytest.approx([0.35, 0.5, 0.65, 0.8] * 3 + [0.8, 0.8])


def test_it_is_settled_once_the_last_cycle_has_risen():
    assert Cyclical(0.0, 1.0, cycles=4, length=10.0, rise=0.5, by="step").warmup == 35
    assert Cyclical(0.0, 1.0, cycles=1, length=10.0, rise=1.0, by="step").warmup == 10


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("rise", 0.0, r"^beta\.rise=0\.0: must lie above 0 and up to 1$"),
        ("rise", 1.5, r"^beta\.rise=1\.5: must lie above 0 and up to 1$"),
        ("length", 0.0, r"^beta\.length=0\.0: must be above 0$"),
        ("cycles", 0, r"^beta\.cycles=0: must be above 0$"),
        ("start", -1.0, r"^beta\.start=-1\.0: must be 0 or more$"),
        ("end", -1.0, r"^beta\.end=-1\.0: must be 0 or more$"),
    ],
)
def test_numbers_without_meaning_are_refused(setting, value, message):
    settings = {"start": 0.0, "end": 1.0, "cycles": 2, "length": 4.0, "rise": 0.5, "by": "step"}
    with pytest.raises(UserError, match=message):
        Cyclical(**{**settings, setting: value})
