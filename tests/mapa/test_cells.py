"""Boxes of equal prior mass against the recursion they are defined by, and against integrals."""

import numpy as np
import pytest
import torch
from scipy import stats

from vaelab.mapa.cells import EDGE, Cells

SIZES = [1, 2, 3, 7, 1000]
DIMS = [1, 2, 3, 10]


def divided(codes):
    """Boxes by plain recursion: corners [N, d, 2] in the order of the examples."""
    count, dim = codes.shape
    corners = np.empty((count, dim, 2))

    def divide(members, box):
        if len(members) == 1:
            corners[members[0]] = box
            return
        axis = int(np.argmax(np.round(box[:, 1] - box[:, 0], 9)))  # the first of the longest
        members = sorted(members, key=lambda m: codes[m, axis])
        lower = len(members) // 2
        low, high = box[axis]
        cut = low + (high - low) * lower / len(members)
        below, above = box.copy(), box.copy()
        below[axis, 1] = above[axis, 0] = cut
        divide(members[:lower], below)
        divide(members[lower:], above)

    divide(list(range(count)), np.tile([0.0, 1.0], (dim, 1)))
    return corners


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dim", DIMS)
def test_boxes_are_those_of_the_recursion_for_any_codes(size, dim):
    codes = np.random.default_rng(size + dim).standard_normal((size, dim))
    expected = divided(codes)
    cells = Cells(size, dim)
    place = cells.place(codes)
    assert sorted(place.tolist()) == list(range(size))
    np.testing.assert_allclose(cells.low[place].numpy(), expected[..., 0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(cells.high[place].numpy(), expected[..., 1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("dim", DIMS)
def test_boxes_are_disjoint_and_each_has_the_same_volume(size, dim):
    cells = Cells(size, dim)
    low, high = cells.low.numpy(), cells.high.numpy()
    assert low.shape == high.shape == (size, dim)
    np.testing.assert_allclose(np.prod(high - low, 1), 1 / size, rtol=1e-12)
    assert low.min() == 0
    assert high.max() == 1
    # Two boxes that overlap do so along every axis.
    apart = np.zeros((size, size), dtype=bool)
    for axis in range(dim):
        apart |= high[:, None, axis] <= low[None, :, axis]
    assert (apart | apart.T | np.eye(size, dtype=bool)).all()


def test_equal_codes_are_placed_too():
    codes = np.zeros((37, 2))
    assert sorted(Cells(37, 2).place(codes).tolist()) == list(range(37))


def test_one_dimension_is_the_order_of_ranks():
    cells = Cells(7, 1)
    np.testing.assert_allclose(cells.low[:, 0], np.arange(7) / 7, atol=1e-15)
    codes = np.array([0.3, -1.0, 5.0, 0.31, 0.0, 4.0, -2.0])
    assert cells.place(codes[:, None]).tolist() == np.argsort(np.argsort(codes)).tolist()


@pytest.mark.parametrize(("size", "dim"), [(7, 1), (1000, 2), (6, 10)])
def test_a_uniform_cell_and_a_draw_in_it_are_standard_normal(size, dim):
    torch.manual_seed(1)
    cells = Cells(size, dim)
    z = cells.sample(torch.randint(size, (20_000,))).double()
    assert z.shape == (20_000, dim)
    for axis in range(dim):
        assert stats.kstest(z[:, axis], "norm").pvalue > 1e-3
    # Independent coordinates: products have variance 1, squares 2.
    error = (z.T @ z / 20_000 - torch.eye(dim)).abs()
    assert float(error.max()) < 4.5 * (2 / 20_000) ** 0.5


@pytest.mark.parametrize(("size", "dim"), [(1, 2), (7, 1), (1000, 3), (1000, 1), (33, 10)])
def test_the_cell_of_a_draw_is_found(size, dim):
    torch.manual_seed(0)
    cells = Cells(size, dim)
    index = torch.arange(size).expand(3, 50, size)
    z = cells.sample(index)
    assert z.dtype == torch.float32
    # Single precision may carry z over the border of its cell, which is then found to be next door.
    u = torch.special.ndtr(z.double())
    assert bool((u >= cells.low[index] - 1e-7).all())
    assert bool((u <= cells.high[index] + 1e-7).all())
    others = cells.find(z) != index
    assert float(others.double().mean()) < 1e-4
    inside = ((u > cells.low[index]) & (u < cells.high[index])).all(-1)
    assert not bool((others & inside).any())


def test_cells_are_found_beyond_all_draws():
    cells = Cells(10, 1)
    z = torch.tensor([[-9.0], [-0.01], [0.01], [9.0]])
    assert cells.find(z).tolist() == [0, 4, 5, 9]


def test_draws_are_finite_at_the_ends():
    cells = Cells(2, 1)
    low, high = stats.norm.ppf([EDGE, 1 - EDGE])
    torch.manual_seed(0)
    z = cells.sample(torch.zeros(2_000_000, dtype=torch.int64))
    assert float(z.min()) >= low - 1e-6
    assert float(z.max()) <= 0
    assert high == pytest.approx(-low)


def moments(low, high):
    """Of a standard normal within quantiles, by Gauss and Legendre in z; whatever shape."""
    a, b = (np.clip(stats.norm.ppf(edge), -12, 12)[..., None, None] for edge in (low, high))
    unit, weight = np.polynomial.legendre.leggauss(20)
    panels = np.linspace(0, 1, 21)
    z = a + (b - a) * (panels[:-1, None] + (1 + unit) / 40)
    mass = weight * (b - a) / 40 * stats.norm.pdf(z)
    total = mass.sum((-1, -2))
    mean = (mass * z).sum((-1, -2)) / total
    return mean, (mass * (z - mean[..., None, None]) ** 2).sum((-1, -2)) / total


@pytest.mark.parametrize(("size", "dim"), [(1, 1), (5, 1), (12, 2), (50, 3), (6, 10)])
def test_moments_are_integrals(size, dim):
    cells = Cells(size, dim)
    mean, variance = cells.moments
    expected = moments(cells.low.numpy(), cells.high.numpy())
    np.testing.assert_allclose(mean.numpy(), expected[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(variance.numpy(), expected[1], rtol=1e-9, atol=1e-12)


def test_moments_of_all_cells_are_those_of_the_prior():
    mean, variance = Cells(1000, 3).moments
    torch.testing.assert_close(mean.mean(0), torch.zeros(3).double(), rtol=0, atol=1e-12)
    second = (variance + mean.square()).mean(0)
    torch.testing.assert_close(second, torch.ones(3).double(), rtol=0, atol=1e-12)


def test_moments_of_very_narrow_cells():
    cells = Cells(300_000, 1)
    mean, variance = cells.moments
    a, b = (stats.norm.ppf(edge.numpy()) for edge in (cells.low[1:-1, 0], cells.high[1:-1, 0]))
    assert ((a < mean[1:-1, 0].numpy()) & (mean[1:-1, 0].numpy() < b)).all()
    # Of a density exp(-c t - t^2 / 2) on an interval of width w about 0, to fourth order in w.
    centre, width = (a + b) / 2, b - a
    expected = width**2 / 12 - width**4 * (centre**2 / 240 + 1 / 360)
    few = (np.abs(centre) < 4).nonzero()[0]
    np.testing.assert_allclose(variance[1:-1, 0].numpy()[few], expected[few], rtol=3e-4)
