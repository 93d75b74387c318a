"""Running sums: the same number in any split of the samples, at any magnitude."""

import math

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from vaelab.evaluation.streaming import BlockMean, LogSumExp, Mean


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


def blocks_in_parts(size, values, sizes):
    running = BlockMean(size)
    for part in values.split(sizes):
        running.add(part)
    return running


@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=8),
    size=st.integers(1, 17),
    shift=st.sampled_from([0.0, -543.0]),
)
def test_blocks_are_those_of_all_values_together_in_any_split(sizes, size, shift):
    count = sum(sizes)
    size = min(size, count)
    generator = torch.Generator().manual_seed(count)
    values = torch.randn(count, 3, generator=generator, dtype=torch.float64) * 3 + shift
    each = [
        torch.log(torch.exp(values[start : start + size] - shift).mean(0)) + shift
        for start in range(0, count - size + 1, size)
    ]
    running = blocks_in_parts(size, values, sizes)
    assert running.blocks == count // size == len(each)
    assert_close(running.total, torch.stack(each).mean(0), rtol=1e-10, atol=1e-10)


def test_five_thousand_samples_are_78_blocks_of_64():
    values = torch.randn(5000, 2, generator=torch.Generator().manual_seed(0))
    expected = values[:4992].double().view(78, 64, 2).logsumexp(1).mean(0) - math.log(64)
    for chunk in (5000, 2000, 100, 64, 20, 1):
        running = blocks_in_parts(64, values, chunk)
        assert running.blocks == 78
        assert_close(running.total, expected, rtol=1e-12, atol=1e-12)


def test_float32_blocks_are_summed_in_float64():
    # log (1 + 63e-9) / 64: float32 would lose every weight but the first.
    values = torch.full((64, 1), math.log(1e-9))
    values[0] = 0.0
    expected = torch.tensor([math.log1p(63e-9) - math.log(64)], dtype=torch.float64)
    gained = blocks_in_parts(64, values, 64).total - math.log(1 / 64)
    assert_close(gained, expected + math.log(64), rtol=1e-5, atol=0)
