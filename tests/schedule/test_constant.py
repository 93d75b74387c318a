"""A constant KL weight."""

import pytest

from tests.laws.components import build
from vaelab.errors import UserError
from vaelab.schedule.constant import Constant


@pytest.mark.parametrize("value", [0.0, 1.0, 4.0])
def test_it_is_its_value_throughout(value):
    schedule = Constant(value)
    assert {schedule.beta(e, s, 5) for e in (0, 1, 1000) for s in (0, 4)} == {value}
    assert schedule.warmup == 0


def test_the_yaml_is_the_elbo():
    assert build("schedule", "constant").beta(0, 0, 1) == 1


def test_a_negative_weight_is_refused():
    with pytest.raises(UserError, match=r"^beta\.value=-1\.0: must be 0 or more$"):
        Constant(-1.0)
