"""The kernel on nearest neighbours against all pairs, with each kind of self term."""

import math

import numpy as np
import pytest
import torch

from mapa.dense import circle, entropy, posterior, squares
from vaelab.mapa.kernel import of_others, of_themselves
from vaelab.mapa.neighbours import Neighbours

TERMS = ["include", "exclude", "expected"]


def number(value):
    return torch.tensor(value, dtype=torch.float64)


@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize("c", [0.5, 2.0])
def test_with_all_neighbours_rows_are_those_of_all_pairs(term, c):
    x = circle(60)[0]
    near = of_themselves(Neighbours(x), 60, term, c)
    q = near.rows(number(0.03 * c)).dense()
    expected = posterior(x.numpy(), 0.03 * c, term, c)
    np.testing.assert_allclose(q.numpy(), expected, rtol=1e-9, atol=1e-15)
    found = near.perplexity(number(0.03 * c))
    np.testing.assert_allclose(found.numpy(), np.exp(entropy(expected)), rtol=1e-9)
    # None is left out; an example that is excluded is not one of them.
    assert float(near.dropped(number(0.03 * c)).max()) == 0


@pytest.mark.parametrize("term", TERMS)
def test_fewer_neighbours_are_the_largest_weights_renormalised(term):
    x = circle(60)[0]
    q = of_themselves(Neighbours(x), 8, term, 1.0).rows(number(0.03)).dense().numpy()
    dense = posterior(x.numpy(), 0.03, term)
    for n in range(60):
        others = np.argsort(-np.where(np.arange(60) == n, -1, dense[n]), kind="stable")
        kept = others[:8] if term == "exclude" else np.append(others[:7], n)
        expected = np.zeros(60)
        expected[kept] = dense[n, kept] / dense[n, kept].sum()
        np.testing.assert_allclose(q[n], expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("term", TERMS)
def test_a_replicate_in_the_data_is_not_oneself(term):
    # Three kinds of examples, five of each: more copies than neighbours.
    x = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0]]).repeat(5, 1)
    near = of_themselves(Neighbours(x), 3, term, 2.0)
    assert near.index.shape == (15, 3)
    assert bool((near.index.sort(1).values.diff(dim=1) > 0).all())
    own = near.index == torch.arange(15)[:, None]
    assert torch.equal(near.index % 3, (torch.arange(15) % 3)[:, None].expand(15, 3))
    weights = near.log_kernel(number(2.0)).exp()
    if term == "include":
        assert (weights == 1).all()
        return
    assert own.sum(1).eq(0 if term == "exclude" else 1).all()
    torch.testing.assert_close(weights[~own], torch.ones_like(weights[~own]))
    # An independent replicate is at a squared distance of 2 sigma^2 F = 2 (h^2 / c) F.
    expected = torch.full_like(weights[own], math.exp(-2 * (2.0 / 2.0) * 2 / (2 * 2.0)))
    torch.testing.assert_close(weights[own], expected)


def test_with_all_neighbours_replicates_count_too():
    x = circle(20)[0].repeat(2, 1)
    for term in TERMS:
        q = of_themselves(Neighbours(x), 40, term, 1.0).rows(number(0.05)).dense()
        expected = posterior(x.numpy(), 0.05, term)
        np.testing.assert_allclose(q.numpy(), expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize("variance", [0.01, 0.1, 10.0])
def test_the_mass_left_out_is_never_more_than_said_and_its_divergence_exact(term, variance):
    x = circle(80)[0]
    near = of_themselves(Neighbours(x), 10, term, 1.0)
    dense = posterior(x.numpy(), variance, term)
    q = near.rows(number(variance)).dense().numpy()
    lost = np.where(q > 0, 0, dense).sum(1)
    said = near.dropped(number(variance)).numpy()
    assert (lost <= said + 1e-15).all()
    assert (said < 1).all()
    if variance == 10.0:  # a flat kernel: the bound is what is lost but for the kernel's slope
        np.testing.assert_allclose(said, lost, rtol=0.3)
    divergence = (q * np.log(np.where(q > 0, q / np.maximum(dense, 1e-300), 1))).sum(1)
    np.testing.assert_allclose(divergence, -np.log1p(-lost), rtol=1e-9, atol=1e-13)


def test_the_bound_holds_where_the_kernel_underflows():
    x = 1e3 * circle(50)[0]
    near = of_themselves(Neighbours(x), 3, "exclude", 1.0)
    said = near.dropped(number(1e-4))
    assert float(near.log_kernel(number(1e-4)).exp().max()) == 0
    assert bool((said >= 0).all())
    # By far the nearest has everything, and what is left out next to nothing.
    assert float(said.median()) < 1e-6


def test_every_row_may_have_a_width_of_its_own():
    x = circle(40)[0]
    widths = torch.linspace(0.01, 1, 40, dtype=torch.float64)
    q = of_themselves(Neighbours(x), 40, "include", 1.0).rows(widths).dense().numpy()
    for n in range(40):
        np.testing.assert_allclose(q[n], posterior(x.numpy(), float(widths[n]))[n], rtol=1e-9)


def test_others_have_no_self_term():
    x, new = circle(50)[0], circle(7, seed=1)[0]
    near = of_others(Neighbours(x), new, 50)
    kernel = np.exp(-squares(new, x) / (2 * 0.02))
    expected = kernel / kernel.sum(1, keepdims=True)
    found = near.rows(number(0.02)).dense().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize("count", [6, 50])
def test_some_rows_are_those_of_all(term, count):
    neighbours, rows = Neighbours(circle(50)[0]), torch.tensor([3, 40, 7])
    near = of_themselves(neighbours, count, term, 1.0)
    for some in (near.take(rows), of_themselves(neighbours, count, term, 1.0, rows)):
        assert torch.equal(some.index, near.index[rows])
        for of in ("log_kernel", "perplexity", "dropped"):
            found, whole = getattr(some, of)(number(0.02)), getattr(near, of)(number(0.02))
            torch.testing.assert_close(found, whole[rows], rtol=1e-12, atol=0)
