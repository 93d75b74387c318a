"""IWAE's Adam against the authors' update written out (notes on the bounds, section 7.1)."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from vaelab.errors import UserError
from vaelab.optimizer.iwae_adam import IwaeAdam

LR, BETAS, EPS, BATCH = 0.01, (0.99, 0.999), 1e-4, 20
SHAPES = ((3, 4), (5,), ())


def reference(value, sums):
    """The authors' loop on gradients summed over the batch."""
    m, v = np.zeros_like(value), np.ones_like(value)
    for t, g in enumerate(sums, start=1):
        m = BETAS[0] * m + (1 - BETAS[0]) * g
        v = BETAS[1] * v + (1 - BETAS[1]) * g**2
        rate = LR * math.sqrt(1 - BETAS[1] ** t) / (1 - BETAS[0] ** t)
        value = value - rate * m / (np.sqrt(v) + EPS)
    return value


def start(dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(shape, generator=generator, dtype=dtype)) for shape in SHAPES]


def optimizer(params):
    return IwaeAdam(params, LR, BETAS, EPS, BATCH)


def gradients(steps, size):
    draws = np.random.default_rng(0)
    return [[size * draws.standard_normal(shape) for shape in SHAPES] for _ in range(steps)]


def moved(params, means):
    opt = optimizer(params)
    for step in means:
        for p, g in zip(params, step, strict=True):
            p.grad = None if g is None else torch.as_tensor(g, dtype=p.dtype)
        opt.step()
    return opt


# Small: the start of the second moments counts; large: only the gradients do.
@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("steps", [1, 200])
def test_it_is_the_authors_loop_on_summed_gradients(size, steps):
    params, means = start(), gradients(steps, size)
    before = [p.detach().numpy().copy() for p in params]
    moved(params, means)
    for i, p in enumerate(params):
        expected = reference(before[i], [BATCH * step[i] for step in means])
        np.testing.assert_allclose(p.detach().numpy(), expected, rtol=0, atol=1e-12)
        assert float(np.abs(expected - before[i]).min()) > 1e-9


def test_eps_counts_where_second_moments_have_decayed():
    """With v at one, 1e-4 beside it is nothing; this decay makes it half of the denominator."""
    value = torch.zeros(3, dtype=torch.float64)
    param = nn.Parameter(value.clone())
    opt = IwaeAdam([param], LR, (0.5, 1e-9), EPS, BATCH)
    gradient = torch.tensor([1e-4, -3e-4, 1e-3], dtype=torch.float64) / BATCH
    expected, m, v = value.numpy().copy(), 0.0, 1.0
    for t in range(1, 4):
        g = BATCH * gradient.numpy()
        m, v = 0.5 * m + 0.5 * g, 1e-9 * v + (1 - 1e-9) * g**2
        rate = LR * math.sqrt(1 - 1e-9**t) / (1 - 0.5**t)
        expected = expected - rate * m / (np.sqrt(v) + EPS)
        param.grad = gradient.clone()
        opt.step()
    np.testing.assert_allclose(param.detach().numpy(), expected, rtol=0, atol=1e-12)


def test_float32_agrees_with_float64():
    single, double, means = start(torch.float32), start(torch.float64), gradients(50, 0.1)
    for p, q in zip(single, double, strict=True):
        q.data.copy_(p.data)
    moved(single, means)
    moved(double, means)
    for p, q in zip(single, double, strict=True):
        assert_close(p.double(), q, rtol=0, atol=1e-6)


def test_early_steps_are_much_smaller_than_adams():
    """v = 1 instead of 0: with summed gradients of 0.02 the first step is 50 times smaller."""
    param = nn.Parameter(torch.zeros(1, dtype=torch.float64))
    opt = optimizer([param])
    param.grad = torch.full((1,), 0.001, dtype=torch.float64)
    opt.step()
    rate = LR * math.sqrt(1 - BETAS[1]) / (1 - BETAS[0])
    assert float(-param.detach()) == pytest.approx(rate * 0.01 * 0.02, rel=2e-3)


def test_t_counts_the_steps_of_all_parameters_together():
    params = [nn.Parameter(torch.zeros(1, dtype=torch.float64)) for _ in range(2)]
    moved(params, [(np.ones(1), None)] * 3 + [(np.ones(1), np.ones(1))])
    m, v = 0.01 * BATCH, 0.999 + 0.001 * BATCH**2
    rate = LR * math.sqrt(1 - 0.999**4) / (1 - 0.99**4)
    assert float(-params[1].detach()) == pytest.approx(rate * m / (math.sqrt(v) + EPS), rel=1e-12)


def test_a_restored_optimizer_goes_on():
    means = gradients(20, 1.0)
    whole = start()
    moved(whole, means)
    cut = start()
    state = moved(cut, means[:7]).state_dict()
    opt = optimizer(cut)
    opt.load_state_dict(state)
    for step in means[7:]:
        for p, g in zip(cut, step, strict=True):
            p.grad = torch.as_tensor(g, dtype=p.dtype)
        opt.step()
    assert all(torch.equal(a, b) for a, b in zip(whole, cut, strict=True))


def test_a_batch_size_below_one_is_refused():
    with pytest.raises(UserError, match=r"optimizer\.batch_size=0: must be at least 1"):
        IwaeAdam(start(), LR, BETAS, EPS, 0)
