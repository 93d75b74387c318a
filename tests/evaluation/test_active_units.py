"""Active units on means of known variance, and the running variance against torch's."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from vaelab.evaluation.active_units import RunningVariance, active_units


def fed(rows, sizes):
    running = RunningVariance()
    for part in rows.split(sizes):
        running.add(part)
    return running.variance


def test_units_at_the_threshold_count():
    # Means +-v have unbiased variance 2 v^2 over two examples.
    half = torch.tensor([0.0099, 0.01, 0.0101], dtype=torch.float64).div(2).sqrt()
    variance = fed(torch.stack([half, -half]), [1, 1])
    assert_close(variance, torch.tensor([0.0099, 0.01, 0.0101], dtype=torch.float64))
    assert active_units(torch.tensor([0.0099, 0.01, 0.0101]), 0.01) == 2
    assert active_units(variance, 0.005) == 3


def test_variance_is_unbiased():
    # 0, 1, 2: squares about the mean sum to 2; over n - 1 = 2.
    assert fed(torch.tensor([[0.0], [1.0], [2.0]]), 1).item() == 1.0


@given(
    sizes=st.lists(st.integers(0, 7), min_size=2, max_size=8).filter(lambda s: sum(s) > 1),
    offset=st.sampled_from([0.0, 1e3, -1e6]),
)
def test_any_split_gives_torch_s_variance(sizes, offset):
    generator = torch.Generator().manual_seed(sum(sizes))
    rows = torch.randn(sum(sizes), 3, generator=generator, dtype=torch.float64) + offset
    assert_close(fed(rows, sizes), rows.var(0), rtol=1e-8, atol=1e-10)


def test_one_row_has_no_variance_and_no_active_unit():
    variance = fed(torch.ones(1, 2), 1)
    assert variance.isnan().all()
    assert active_units(variance, 0.01) == 0


@pytest.mark.parametrize("offset", [100.0])
def test_float32_rows_far_from_zero_keep_their_variance(offset):
    rows = torch.randn(1000, 2, generator=torch.Generator().manual_seed(0)) * 0.1 + offset
    assert_close(fed(rows, 64), rows.double().var(0), rtol=1e-9, atol=0)


def test_no_gradient_is_kept():
    rows = torch.randn(4, 2, requires_grad=True)
    assert not fed(rows, 2).requires_grad
