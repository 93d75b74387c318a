"""What is drawn: values as they are typed, only those that matter, and every point of a grid."""

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vaelab.errors import UserError
from vaelab.search.read import parameters, spelt
from vaelab.search.space import Range, grid, overrides, suggest

SPACE = parameters(
    {
        "prior": ["standard", "vamp", "mog"],
        "prior.components": {"values": [5, 50], "when": {"prior": ["vamp", "mog"]}},
        "optimizer.phi.lr, optimizer.theta.lr": {"low": 1e-4, "high": 1e-2, "log": True},
    }
)


def test_a_setting_is_drawn_only_with_the_option_that_has_it():
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    drawn = [suggest(SPACE, study.ask()) for _ in range(40)]
    assert {one["prior"] for one in drawn} == {"standard", "vamp", "mog"}
    for one in drawn:
        assert ("prior.components" in one) == (one["prior"] != "standard")


def test_names_with_a_comma_have_one_value():
    chosen = {"prior": "standard", "optimizer.phi.lr, optimizer.theta.lr": "0.002"}
    words = ["prior=standard", "optimizer.phi.lr=0.002", "optimizer.theta.lr=0.002"]
    assert overrides(SPACE, chosen) == words


@settings(max_examples=50)
@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.floats(0, 1))
def test_what_is_typed_lies_in_the_range(low, width, share):
    """Four digits of 0.99996 are 1.000, which may be more than the range allows."""
    one = Range(low, low + width)
    text = one.text(low + share * width)
    margin = 1e-9 * (1 + abs(low) + width)  # of ten digits, where an end of the range is typed
    assert low - margin <= float(text) <= low + width + margin
    assert float(text) == pytest.approx(low + share * width, rel=6e-4, abs=margin)


def test_whole_and_stepped_values():
    assert Range(10, 70, whole=True).text(41) == "41"
    assert Range(0.1, 0.7, step=0.2).points() == pytest.approx((0.1, 0.3, 0.5, 0.7))
    assert Range(0.1, 0.7, step=0.2).text(0.1 + 0.2) == "0.3"
    assert Range(2, 5, whole=True).points() == (2, 3, 4, 5)
    assert Range(1, 5).points() == Range(1, 8, log=True, whole=True).points() == ()


def test_a_grid_has_every_point_once():
    """Standard alone; vamp and mog with 5 and 50: five."""
    found = grid(SPACE[:2])
    assert found == [
        {"prior": "standard"},
        {"prior": "vamp", "prior.components": "5"},
        {"prior": "vamp", "prior.components": "50"},
        {"prior": "mog", "prior.components": "5"},
        {"prior": "mog", "prior.components": "50"},
    ]
    with pytest.raises(UserError, match=r"lr: a grid needs a list of values, or a range with a"):
        grid(SPACE)


def test_values_are_spelt_as_they_are_typed():
    given = [None, True, 5, 1e-4, 2.0, "vamp", "a b", [300, 300], ["x", None]]
    typed = ["null", "true", "5", "0.0001", "2", "vamp", '"a b"', "[300,300]", "[x,null]"]
    assert list(map(spelt, given)) == typed
