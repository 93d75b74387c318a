"""Effective sample size: the ends of its range and a number by hand."""

import math

import pytest
import torch
from torch.testing import assert_close

from vaelab.evaluation.ess import ess
from vaelab.evaluation.streaming import LogSumExp


def of(log_w, sizes=None):
    weights, squares = LogSumExp(), LogSumExp()
    for part in torch.as_tensor(log_w, dtype=torch.float64).split(sizes or len(log_w)):
        weights.add(part)
        squares.add(2 * part)
    return ess(weights, squares)


@pytest.mark.parametrize("level", [0.0, -543.0, 700.0])
def test_equal_weights_count_in_full(level):
    assert_close(of(torch.full((17, 1), level)).item(), 17.0)


def test_one_dominant_weight_counts_as_one():
    log_w = torch.zeros(1000, 1)
    log_w[3] = 100.0
    assert_close(of(log_w).item(), 1.0)


def test_by_hand():
    # Weights 1, 2, 3: 36 / 14, in any split.
    log_w = torch.tensor([[1.0], [2.0], [3.0]]).log()
    assert_close(of(log_w).item(), 36 / 14, rtol=1e-6, atol=0)
    assert_close(of(log_w, [1, 2]).item(), 36 / 14, rtol=1e-6, atol=0)


def test_share_tends_to_one_over_the_second_moment():
    # log w = s e - s^2/2, e standard normal: E w = 1, E w^2 = exp(s^2).
    log_w = 0.5 * torch.randn(400_000, 1, generator=torch.Generator().manual_seed(0)) - 0.125
    assert_close(of(log_w).item() / 400_000, math.exp(-0.25), rtol=0.01, atol=0)
