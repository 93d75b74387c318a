"""Linear warm-up: VampPrior's by epoch, Lagging Inference Networks' by step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vaelab.errors import UserError
from vaelab.schedule.linear import Linear


@pytest.mark.parametrize(("epoch", "beta"), [(1, 0.01), (50, 0.5), (100, 1.0), (101, 1.0)])
def test_vampriors_epochs(epoch, beta):
    schedule = Linear(0.0, 1.0, 100.0, "epoch")
    for step in (0, 499):
        assert schedule.beta(epoch - 1, step, 500) == pytest.approx(beta, abs=1e-12)


@pytest.mark.parametrize("steps_per_epoch", [1, 7, 1562])
def test_laggings_rule_step_by_step(steps_per_epoch):
    """Its code: kl_weight = kl_start; before each use, min(1, kl_weight + anneal_rate)."""
    kl_start, warm_up = 0.1, 10
    schedule = Linear(kl_start, 1.0, float(warm_up), "step")
    kl_weight = kl_start
    anneal_rate = (1.0 - kl_start) / (warm_up * steps_per_epoch)
    for epoch in range(warm_up + 2):
        for step in range(steps_per_epoch):
            kl_weight = min(1.0, kl_weight + anneal_rate)
            assert schedule.beta(epoch, step, steps_per_epoch) == pytest.approx(kl_weight, abs=1e-9)
    assert kl_weight == pytest.approx(1)


@given(
    start=st.floats(0, 5),
    end=st.floats(0, 5),
    warmup=st.floats(0.5, 200),
    fraction=st.floats(0, 1),
)
def test_it_lies_on_the_line_between_its_ends(start, end, warmup, fraction):
    schedule = Linear(start, end, warmup, "step")
    on_line = (1 - fraction) * start + fraction * end
    assert schedule.at(fraction * warmup) == pytest.approx(on_line, abs=1e-9)
    assert schedule.warmup == warmup


@pytest.mark.parametrize(
    ("start", "end", "warmup", "message"),
    [
        (0.0, 1.0, 0.0, r"^beta\.warmup=0\.0: must be above 0$"),
        (0.0, 1.0, -3.0, r"^beta\.warmup=-3\.0: must be above 0$"),
        (-0.1, 1.0, 10.0, r"^beta\.start=-0\.1: must be 0 or more$"),
        (0.0, -1.0, 10.0, r"^beta\.end=-1\.0: must be 0 or more$"),
    ],
)
def test_numbers_without_meaning_are_refused(start, end, warmup, message):
    with pytest.raises(UserError, match=message):
        Linear(start, end, warmup, "epoch")
