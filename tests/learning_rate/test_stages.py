"""IWAE's stages against the notes' milestones and rates (1509.00519; notes, section 7.1)."""

import pytest

from tests.laws.components import build
from vaelab.errors import UserError
from vaelab.learning_rate.stages import Stages

MILESTONES = [1, 4, 13, 40, 121, 364, 1093, 3280]  # epochs behind the end of each stage


def test_milestones_and_length_are_the_papers():
    rate = build("learning_rate", "stages")
    assert rate.milestones == MILESTONES
    assert rate.length == 3280 == sum(3**i for i in range(8))


def test_the_rate_changes_behind_each_milestone_and_at_no_other_epoch():
    rate = build("learning_rate", "stages")
    factors = [rate.factor(epoch) for epoch in range(3280)]
    changes = [e for e in range(1, 3280) if factors[e] != factors[e - 1]]
    assert changes == MILESTONES[:-1]
    for stage, epoch in enumerate([0, *MILESTONES[:-1]]):
        assert factors[epoch] == pytest.approx(10 ** (-stage / 7), rel=1e-12)


def test_with_two_digits_the_rates_are_the_authors_list():
    rate = build("learning_rate", "stages", digits=2)
    found = [1e-3 * rate.factor(epoch) for epoch in [0, *MILESTONES[:-1]]]
    assert found == pytest.approx([1e-3, 7.2e-4, 5.2e-4, 3.7e-4, 2.7e-4, 1.9e-4, 1.4e-4, 1e-4])
    assert rate.milestones == MILESTONES


def test_the_last_stage_goes_on():
    """Table 2 of the paper continues for 2187 epochs at 1e-4."""
    rate = build("learning_rate", "stages")
    assert rate.factor(3280) == rate.factor(5466) == rate.factor(3279) == pytest.approx(0.1)


def test_stages_of_equal_length_and_another_fall():
    rate = Stages(stages=3, growth=1, decade=1, digits=None)
    assert rate.length == 3
    assert [rate.factor(e) for e in range(4)] == pytest.approx([1, 0.1, 0.01, 0.01])


def test_a_shorter_run_is_said_to_be_cut_short():
    rate = build("learning_rate", "stages")
    assert rate.cut_short(364) == ("schedule cut short: 364 of 3280 epochs",)
    assert rate.cut_short(3280) == rate.cut_short(5467) == ()


@pytest.mark.parametrize(
    ("name", "value"), [("stages", 0), ("growth", 0), ("digits", 0), ("decade", 0.0)]
)
def test_senseless_settings_are_refused(name, value):
    with pytest.raises(UserError, match=rf"learning_rate\.{name}=0: must be"):
        build("learning_rate", "stages", **{name: value})
