"""Which epoch is best and when to stop: VampPrior's rule (notes 1705.07120, section 4)."""

import math

import pytest

from vaelab.callback.selection import Selection


def epochs_until_stop(selection, bounds):
    for epoch, bound in enumerate(bounds, 1):
        selection.judge(epoch, bound)
        if selection.reason:
            return epoch
    return None


def test_stops_at_the_51st_bad_epoch():
    bounds = [-100.0] * 5 + [-90.0] + [-95.0] * 200
    assert epochs_until_stop(Selection(1000, 50, 0), bounds) == 6 + 51


def test_bad_epochs_count_only_from_the_end_of_the_warm_up():
    """Epochs 2 to 99 of a warm-up of 100 count nothing; 100 is the first that does."""
    bounds = [-90.0] + [-95.0] * 300
    assert epochs_until_stop(Selection(1000, 50, 100), bounds) == 99 + 51


def test_the_best_may_come_from_the_warm_up():
    selection = Selection(1000, 5, 100)
    epochs_until_stop(selection, [-95.0, -80.0] + [-90.0] * 200)
    assert (selection.best, selection.best_epoch) == (-80.0, 2)


def test_an_equal_bound_is_no_improvement():
    assert epochs_until_stop(Selection(1000, 3, 0), [-90.0] * 50) == 5


def test_without_patience_only_the_last_epoch_ends_training():
    selection = Selection(40, None, 0)
    assert epochs_until_stop(selection, [-90.0] * 100) == 40
    assert selection.reason == "all 40 epochs done"


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_bound_that_is_no_number_ends_training_and_is_never_best(bad):
    selection = Selection(40, None, 0)
    assert epochs_until_stop(selection, [-90.0, -80.0, bad]) == 3
    assert "became" in str(selection.reason)
    assert selection.best == -80.0


def test_state_round_trips():
    selection, other = Selection(9, 3, 0), Selection(9, 3, 0)
    for epoch, bound in enumerate([-90.0, -80.0, -85.0], 1):
        selection.judge(epoch, bound)
    other.load_state_dict(selection.state_dict())
    assert other.state_dict() == selection.state_dict()
    assert (other.best, other.best_epoch, other.bad_epochs) == (-80.0, 2, 1)
