"""Adam on gradients normalised by tensor against a re-implementation in numpy."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from vaelab.optimizer.normalised_adam import NormalisedAdam

LR, BETAS, EPS = 0.01, (0.9, 0.999), 1e-8
SHAPES = ((3, 4), (5,), ())


def start(dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(shape, generator=generator, dtype=dtype)) for shape in SHAPES]


def optimizer(params):
    return NormalisedAdam(params, LR, BETAS, EPS, 0.0)


def reference(value, gradients):
    """g / (||g|| + 1e-7), then Adam (Kingma & Ba, algorithm 1)."""
    m, v = np.zeros_like(value), np.zeros_like(value)
    for t, gradient in enumerate(gradients, start=1):
        g = gradient / (np.sqrt((gradient**2).sum()) + 1e-7)
        m = BETAS[0] * m + (1 - BETAS[0]) * g
        v = BETAS[1] * v + (1 - BETAS[1]) * g**2
        m_hat, v_hat = m / (1 - BETAS[0] ** t), v / (1 - BETAS[1] ** t)
        value = value - LR * m_hat / (np.sqrt(v_hat) + EPS)
    return value


@pytest.mark.parametrize("size", [1.0, 1e-7, 1e4])  # at 1e-7 the term in the denominator counts
def test_it_is_the_numpy_reference_for_every_tensor(size):
    params = start()
    before = [p.detach().numpy().copy() for p in params]
    draws = np.random.default_rng(0)
    gradients = [[size * draws.standard_normal(shape) for shape in SHAPES] for _ in range(6)]
    opt = optimizer(params)
    for step in gradients:
        for p, g in zip(params, step, strict=True):
            p.grad = torch.tensor(g)
        opt.step()
    for i, p in enumerate(params):
        expected = reference(before[i], [step[i] for step in gradients])
        np.testing.assert_allclose(p.detach().numpy(), expected, rtol=0, atol=1e-12)


def test_the_authors_adam_differs_by_less_than_float32_resolves():
    """Theirs adds eps to sqrt(v) before the correction by sqrt(1 - beta2^t)."""
    draws = np.random.default_rng(0)
    gradients = [draws.standard_normal(12) for _ in range(20)]
    value = ours = draws.standard_normal(12)
    m, v = np.zeros(12), np.zeros(12)
    for t, gradient in enumerate(gradients, start=1):
        g = gradient / (np.sqrt((gradient**2).sum()) + 1e-7)
        m = BETAS[0] * m + (1 - BETAS[0]) * g
        v = BETAS[1] * v + (1 - BETAS[1]) * g**2
        size = LR * np.sqrt(1 - BETAS[1] ** t) / (1 - BETAS[0] ** t)
        value = value - size * m / (np.sqrt(v) + EPS)
    param = nn.Parameter(torch.tensor(ours))
    opt = optimizer([param])
    for gradient in gradients:
        param.grad = torch.tensor(gradient)
        opt.step()
    np.testing.assert_allclose(param.detach().numpy(), value, rtol=0, atol=3e-7)


def test_multiplying_the_loss_by_1000_leaves_the_trajectory_unchanged():
    plain, scaled = start(), start()
    for params, factor in ((plain, 1.0), (scaled, 1000.0)):
        opt = optimizer(params)
        for _ in range(30):
            opt.zero_grad()
            (factor * sum(((i + 1) * p.square()).sum() for i, p in enumerate(params))).backward()
            opt.step()
    for p, s, origin in zip(plain, scaled, start(), strict=True):
        # The norms here are above 0.1: 1e-7 of them is the largest relative difference.
        assert_close(p, s, rtol=0, atol=30 * LR * 1e-6)
        assert float((p - origin).detach().abs().max()) > 0.05


def test_gradients_have_norm_one_afterwards_and_zero_stays_zero():
    params = start()
    params[0].grad = torch.full((3, 4), 7.0, dtype=torch.float64)
    params[1].grad = torch.zeros(5, dtype=torch.float64)
    opt = optimizer(params)
    opt.step()
    assert float(params[0].grad.norm()) == pytest.approx(1, abs=1e-7)
    assert float(params[1].grad.abs().max()) == 0
    assert params[2].grad is None


def test_every_param_group_is_normalised():
    params = start()
    opt = NormalisedAdam([{"params": params[:1]}, {"params": params[1:]}], LR, BETAS, EPS, 0.0)
    for p in params:
        p.grad = torch.full_like(p, 5.0)
    opt.step()
    assert [float(p.grad.norm()) for p in params] == pytest.approx([1, 1, 1])
