"""Running sums: the same number in any split of the samples, at any magnitude."""

import math

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from vaelab.evaluation.streaming import LogSumExp, Mean


def fed(kind, values, sizes):
    running = kind()
    for part in values.split(sizes):
        running.add(part)
    return running


@given(
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=6),
    scale=st.sampled_from([1.0, 30.0, 1e4]),
    shift=st.sampled_from([0.0, -543.0, 1e4]),
)
def test_any_split_gives_the_sum_over_all(sizes, scale, shift):
    generator = torch.Generator().manual_seed(sum(sizes))
    values = torch.randn(sum(sizes), 3, generator=generator, dtype=torch.float64) * scale + shift
    together, apart = fed(LogSumExp, values, sum(sizes)), fed(LogSumExp, values, sizes)
    assert_close(apart.total, together.total, rtol=1e-12, atol=1e-12)
    assert_close(apart.total, values.logsumexp(0), rtol=1e-12, atol=1e-12)
    assert apart.count == sum(sizes)
    assert_close(fed(Mean, values, sizes).total, values.mean(0), rtol=1e-12, atol=1e-9)


def test_float32_values_are_summed_in_float64():
    # 1 + 1e-9 ten times over: float32 would lose every addition.
    running = LogSumExp()
    running.add(torch.tensor([[0.0]]))
    for _ in range(10):
        running.add(torch.tensor([[math.log(1e-9)]]))
    expected = torch.tensor([math.log1p(1e-8)], dtype=torch.float64)
    assert_close(running.total, expected, rtol=1e-6, atol=0)


def test_weights_of_zero_count_as_draws():
    # log (e^0 + e^-inf) = 0, in one part or two.
    values = torch.tensor([[0.0], [-math.inf]], dtype=torch.float64)
    for sizes in ([2], [1, 1]):
        running = fed(LogSumExp, values, sizes)
        assert running.total.item() == 0.0
        assert running.count == 2
    assert fed(LogSumExp, values.flip(0), [1, 1]).total.item() == 0.0
