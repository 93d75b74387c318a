"""Mutual information against the closed form of a Gaussian channel, and at its limits."""

import math

import pytest
import torch
from torch.distributions import Independent, Normal
from torch.testing import assert_close

from vaelab.distribution import DiagonalGaussian
from vaelab.evaluation import mutual_information
from vaelab.evaluation.mutual_information import (
    batch_mi,
    batched_information,
    ceiling,
    information,
    paired_information,
)


def channel(n, a, s, dims=1, seed=0):
    """q(z|x) = N(a x, s^2) for n draws of x ~ N(0, I), and a sample of each."""
    generator = torch.Generator().manual_seed(seed)
    mean = a * torch.randn(n, dims, generator=generator)
    top = DiagonalGaussian(mean, torch.full_like(mean, 2 * math.log(s)))
    return top, mean + s * torch.randn(n, dims, generator=generator)


@pytest.mark.parametrize("estimate", [information, paired_information])
@pytest.mark.parametrize(("a", "s", "dims"), [(1.0, 0.5, 1), (0.5, 1.0, 1), (1.0, 0.7, 3)])
def test_full_mixture_is_the_channel_s_information(a, s, dims, estimate):
    values = estimate(*channel(5000, a, s, dims))
    expected = 0.5 * math.log(1 + a**2 / s**2) * dims
    se = values.std() / math.sqrt(len(values))
    # A finite mixture falls short by about exp(I) / 2N, far below the standard error.
    assert abs(values.mean() - expected) < 4 * se
    assert se < 0.03


def test_batches_of_far_posteriors_give_the_log_of_the_batch():
    top, z = channel(64, 1e4, 1.0)
    assert_close(batch_mi(top, top.mean), torch.tensor(math.log(64) - 0.5, dtype=torch.float64))
    many = channel(64 * 200, 1e6, 1.0)
    values = batched_information(*many, 64)
    # -H - log N(z; own mean) + log 64 has mean log 64 and variance 1/2.
    assert abs(values.mean() - math.log(64)) < 4 * math.sqrt(0.5 / len(values))
    assert z.shape == (64, 1)


def test_identical_posteriors_hold_no_information():
    top, z = channel(20_000, 0.0, 0.7)
    values = batched_information(top, z, 50)
    assert abs(values.mean()) < 4 * math.sqrt(0.5 / len(values))


def test_the_ceiling_holds_and_the_batch_mixture_is_below_the_full_one():
    # True information 4.6 nats; a batch of 10 cannot show more than log 10.
    top, z = channel(4000, 1.0, 0.01)
    batch, full = batched_information(top, z, 10).mean(), information(top, z).mean()
    assert batch <= math.log(10) + 4 * math.sqrt(0.5 / 4000)
    assert batch < full < math.log(4000)


def test_batch_estimate_equals_the_brute_force_one():
    top, z = channel(30, 1.0, 0.5, dims=2)
    q = Independent(Normal(top.mean.double(), (0.5 * top.log_var.double()).exp()), 1)
    pairs = q.log_prob(z.double()[:, None])  # [i, j] = log q(z_i|x_j)
    expected = -q.entropy().mean() - (pairs.logsumexp(1) - math.log(30)).mean()
    assert_close(batch_mi(top, z), expected, rtol=1e-10, atol=1e-10)


def test_chunks_of_rows_change_nothing(monkeypatch):
    top, z = channel(100, 1.0, 0.5)
    whole = information(top, z)
    monkeypatch.setattr(mutual_information, "PAIRS", 700)
    assert_close(information(top, z), whole, rtol=0, atol=1e-12)


def test_a_short_last_batch_is_its_own_mixture():
    top, z = channel(25, 1.0, 0.5)
    values = batched_information(top, z, 10)
    last = DiagonalGaussian(top.mean[20:], top.log_var[20:])
    assert_close(values[20:], information(last, z[20:]))
    assert ceiling(25, 10) == pytest.approx((20 * math.log(10) + 5 * math.log(5)) / 25)
    assert ceiling(20, 10) == pytest.approx(math.log(10))


def test_pairing_removes_the_spread_of_the_samples():
    # Far posteriors: every paired value is log N exactly, the other has variance D/2.
    top, z = channel(100, 1e3, 1.0, dims=20)
    expected = torch.full((100,), math.log(100), dtype=torch.float64)
    assert_close(paired_information(top, z), expected, rtol=0, atol=1e-6)
    assert 5 < information(top, z).var() < 20
    assert (paired_information(*channel(200, 1.0, 0.3)) <= math.log(200)).all()
    # Identical ones: exactly nothing.
    assert_close(paired_information(*channel(50, 0.0, 0.7)), torch.zeros(50, dtype=torch.float64))
