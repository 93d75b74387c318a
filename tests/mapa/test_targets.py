"""The collapsed bound against sums over all pairs, in value and in gradient."""

import numpy as np
import pytest
import torch
from torch import distributions

from mapa.dense import sparse
from vaelab.likelihood.bernoulli import Bernoulli
from vaelab.likelihood.gaussian import Gaussian
from vaelab.mapa.targets import collapsed

SIZE, ELEMENTS = 12, 3


def index_posterior(seed=0, size=SIZE):
    """Rows that sum to 1, some entries 0, columns of very different sums; float64."""
    numbers = np.random.default_rng(seed)
    q = numbers.random((size, size)) ** 6 * (numbers.random((size, size)) < 0.7)
    q += 1e-3 * np.eye(size)
    return q / q.sum(1, keepdims=True)


LIKELIHOODS = {
    "fixed scale": (Gaussian(0.3), lambda p: distributions.Normal(p[:, :, 0], 0.3)),
    "predicted scale": (
        Gaussian(None),
        lambda p: distributions.Normal(p[:, :, 0], p[:, :, 1].exp()),
    ),
    "pixels": (Bernoulli(None), lambda p: distributions.Bernoulli(logits=p[:, :, 0])),
    "clamped pixels": (
        Bernoulli(0.2),
        lambda p: distributions.Bernoulli(p[:, :, 0].sigmoid().clamp(0.2, 0.8)),
    ),
}


@pytest.mark.parametrize("name", LIKELIHOODS)
@pytest.mark.parametrize("event", [(ELEMENTS,), (1, ELEMENTS, 1)])
def test_targets_give_the_value_and_the_gradient_of_all_pairs(name, event):
    likelihood, reference = LIKELIHOODS[name]
    numbers = torch.Generator().manual_seed(0)
    q = index_posterior()
    x = torch.randn(SIZE, *event, dtype=torch.float64, generator=numbers)
    if isinstance(likelihood, Bernoulli):
        x = (x > 0).double()
    z = torch.randn(2, SIZE, 4, dtype=torch.float64, generator=numbers)
    outputs = likelihood.num_params * ELEMENTS
    weight = torch.randn(4, outputs, dtype=torch.float64, generator=numbers, requires_grad=True)
    params = (z @ weight).unflatten(-1, (likelihood.num_params, *event))

    targets = collapsed(sparse(q), x)
    each = likelihood(params).expected_log_prob(targets.mean, targets.variance)
    found = (each * targets.weight).sum(1)
    (gradient,) = torch.autograd.grad(found.sum(), weight, retain_graph=True)

    density = reference(params)
    expected = torch.zeros(2, dtype=torch.float64)
    for n in range(SIZE):
        pairs = density.log_prob(x[n].expand(2, SIZE, *event)).flatten(2).sum(-1)
        expected = expected + (pairs * torch.from_numpy(q[n])).sum(1)
    (expected_gradient,) = torch.autograd.grad(expected.sum(), weight)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=0)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-10, atol=1e-10)
    assert expected_gradient.abs().max() > 1


def test_targets_are_weighted_moments():
    q = index_posterior()
    x = torch.randn(SIZE, ELEMENTS, generator=torch.Generator().manual_seed(0))
    targets = collapsed(sparse(q), x)
    for m in range(SIZE):
        weight = sum(q[n, m] for n in range(SIZE))
        mean = sum(q[n, m] * x[n].double() for n in range(SIZE)) / weight
        spread = sum(q[n, m] * (x[n].double() - mean) ** 2 for n in range(SIZE)) / weight
        assert float(targets.weight[m]) == pytest.approx(weight)
        torch.testing.assert_close(targets.mean[m], mean)
        torch.testing.assert_close(targets.variance[m], spread)
    assert float(targets.weight.sum()) == pytest.approx(SIZE)


def test_squares_do_not_cancel_far_from_the_origin():
    q = index_posterior()
    x = torch.randn(SIZE, ELEMENTS, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    near, far = collapsed(sparse(q), x), collapsed(sparse(q), x + 1e6)
    torch.testing.assert_close(far.variance, near.variance, rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(far.mean - 1e6, near.mean, rtol=1e-6, atol=1e-8)


def test_an_index_without_mass_has_no_weight_and_a_target_that_is_a_number():
    q = index_posterior()
    q[:, 4] = 0
    q /= q.sum(1, keepdims=True)
    x = torch.randn(SIZE, ELEMENTS)
    targets = collapsed(sparse(q), x)
    assert float(targets.weight[4]) == 0
    assert torch.equal(targets.mean[4].float(), x[4])
    assert float(targets.variance[4].max()) == 0
    both = targets.to(torch.device("cpu"), torch.float32)
    assert {one.dtype for one in vars(both).values()} == {torch.float32}
