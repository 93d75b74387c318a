"""Bernoulli pixels."""

import itertools
import math

import pytest
import torch
from torch.testing import assert_close

from tests.laws.components import build
from vaelab.errors import UserError


def test_all_images_of_a_tiny_event_have_mass_one():
    logits = torch.tensor([[[[[-3.0, 0.2], [1.0, 8.0]]]]], dtype=torch.float64)
    images = torch.tensor(list(itertools.product([0.0, 1.0], repeat=4)), dtype=torch.float64)
    built = build("likelihood", "bernoulli")
    log_prob = built(logits.expand(1, 16, 1, 2, 2)).log_prob(images.view(16, 2, 2))
    assert float(log_prob.exp().sum()) == pytest.approx(1, abs=1e-12)


def test_value_is_that_of_the_formula():
    p = torch.tensor([0.2, 0.9], dtype=torch.float64)
    log_prob = build("likelihood", "bernoulli")(p.logit().view(1, 1, 1, 2))
    x = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    assert float(log_prob.log_prob(x)) == pytest.approx(math.log(0.2) + math.log(0.1))
    assert_close(log_prob.mean.flatten(), p)


def test_a_saturated_wrong_pixel_costs_its_logit_without_a_clamp_and_11_51_nats_with():
    logits = torch.tensor([-80.0, 80.0]).view(1, 1, 1, 2)
    wrong, right = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    free = build("likelihood", "bernoulli")(logits)
    assert float(free.log_prob(wrong)) == pytest.approx(-160)
    assert float(free.log_prob(right)) == pytest.approx(0, abs=1e-30)
    clamped = build("likelihood", "bernoulli", clamp=1e-5)(logits.double())
    assert float(clamped.log_prob(wrong)) == pytest.approx(2 * math.log(1e-5), rel=1e-6)
    assert float(clamped.log_prob(wrong)) / 2 == pytest.approx(-11.51, abs=0.005)
    assert float(clamped.log_prob(right)) == pytest.approx(2 * math.log1p(-1e-5), rel=0.01)
    assert_close(clamped.mean.flatten(), torch.tensor([1e-5, 1 - 1e-5]).double(), rtol=1e-6, atol=0)


def test_the_clamp_changes_nothing_inside_and_stops_the_gradient_outside():
    logits = torch.tensor([-12.0, -11.0, 0.3, 11.0, 12.0]).view(1, 1, 1, 5).requires_grad_()
    x = torch.tensor([[1.0, 1.0, 0.0, 0.0, 0.0]])
    clamped = build("likelihood", "bernoulli", clamp=1e-5)(logits)
    free = build("likelihood", "bernoulli")(logits)
    inside = clamped.logits.flatten()[1:4], free.logits.flatten()[1:4]
    assert_close(*inside, rtol=0, atol=0)
    gradient = torch.autograd.grad(clamped.log_prob(x).sum(), logits)[0].flatten()
    assert (gradient != 0).tolist() == [False, True, True, True, False]


@pytest.mark.parametrize("clamp", [0.0, -1e-5, 0.5, 1.0])
def test_a_clamp_outside_its_range_is_refused(clamp):
    with pytest.raises(UserError, match=r"likelihood\.clamp=.*between 0 and 0\.5"):
        build("likelihood", "bernoulli", clamp=clamp)
