"""The proposal with a share of the prior: a density, drawn from as it says, weights bounded."""

import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from tests.laws.components import assert_zero_mean
from vaelab.distribution import GaussianMixture, StandardNormal
from vaelab.evaluation.defensive import Defensive
from vaelab.posterior import GaussianPosterior, Posterior

F64 = {"dtype": torch.float64}


def proposal(share=0.05):
    q = GaussianPosterior(
        torch.tensor([[3.0], [-1.0]], **F64), torch.tensor([[-6.0], [0.3]], **F64)
    )
    return Defensive(q, StandardNormal(1, torch.zeros((), **F64)), share)


def test_it_is_a_posterior_with_the_means_of_q():
    mine = proposal()
    assert isinstance(mine, Posterior)
    assert mine.first is mine.q.first
    assert not mine.gaussian


def test_its_density_is_that_of_the_two_and_integrates_to_one():
    z = np.linspace(-12, 12, 200_001)
    found = proposal(0.3).log_prob((torch.from_numpy(z)[:, None, None].expand(-1, 2, 1),))
    parts = [np.exp(-0.5 * (z - m) ** 2 / v) / np.sqrt(2 * np.pi * v)
             for m, v in ((3.0, math.exp(-6.0)), (-1.0, math.exp(0.3)), (0.0, 1.0))]  # fmt: skip
    for column in (0, 1):
        expected = 0.7 * parts[column] + 0.3 * parts[2]
        assert np.allclose(found[:, column].exp(), expected, atol=1e-12)
        assert np.trapezoid(expected, z) == pytest.approx(1, abs=1e-9)


def test_samples_are_its_own():
    """E_q~[p / q~] = 1 and E_q~[q / q~] = 1: draws of anything else would miss one of them."""
    torch.manual_seed(0)
    mine = proposal(0.3)
    z = mine.rsample(20_000)
    assert z[0].shape == (20_000, 2, 1)
    for other in (mine.prior.log_prob(z[0]), mine.q.log_prob(z)):
        assert_zero_mean((other - mine.log_prob(z)).exp() - 1)


def test_no_weight_of_the_prior_passes_one_over_the_share():
    torch.manual_seed(0)
    mine = proposal(0.05)
    z = torch.linspace(-9, 9, 1001, **F64)[:, None, None].expand(-1, 2, 1)
    assert (mine.prior.log_prob(z) - mine.log_prob((z,))).max() <= math.log(20) + 1e-12


def test_detached_it_is_the_same_density_without_a_gradient():
    mean = torch.zeros(3, 2, requires_grad=True)
    mixture = GaussianMixture(torch.randn(4, 2), torch.zeros(4, 2)).double()
    mine = Defensive(GaussianPosterior(mean, torch.zeros(3, 2)), mixture, 0.05)
    z = (torch.randn(5, 3, 2),)
    still = mine.detach()
    assert_close(still.log_prob(z), mine.log_prob(z).detach())
    assert mine.log_prob(z).requires_grad
    assert not still.log_prob(z).requires_grad
    assert still.rsample(2)[0].dtype == torch.float32
    assert torch.equal(still.means()[0], mean)
