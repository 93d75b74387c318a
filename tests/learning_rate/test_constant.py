"""The constant learning rate."""

from vaelab.learning_rate.constant import Constant


def test_the_factor_is_one_and_no_run_is_too_short():
    rate = Constant()
    assert {rate.factor(epoch) for epoch in (0, 1, 10_000)} == {1.0}
    assert rate.cut_short(1) == ()
    assert not rate.varies
