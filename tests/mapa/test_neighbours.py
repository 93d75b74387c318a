"""Nearest neighbours against a sort of all distances."""

import numpy as np
import pytest
import torch

from mapa.dense import squares
from vaelab.mapa.neighbours import Neighbours

CASES = {
    "trees": lambda: torch.randn(300, 2),
    "products": lambda: torch.randn(300, 30),
    # Where single-precision products have no digits left.
    "far from the origin": lambda: torch.randn(300, 30) + 1000,
    "close together": lambda: 100 + 1e-3 * torch.randn(300, 2),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("by", ["scikit-learn", "torch"])
def test_they_are_the_first_of_all_distances_in_order(case, by):
    torch.manual_seed(0)
    points = CASES[case]()
    queries = torch.cat([points[:40], points[:40] + points[0] - points[1]])
    neighbours = Neighbours(points)
    found, index = (neighbours if by == "scikit-learn" else neighbours.brute)(queries, 7)
    exact = squares(queries, points)
    expected = np.sort(exact, 1)[:, :7]
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(np.take_along_axis(exact, index.numpy(), 1), expected)
    assert torch.equal(index[:40, 0], torch.arange(40))


def test_there_are_no_more_than_all():
    points = torch.randn(5, 2)
    squares_, index = Neighbours(points)(points[:3], 9)
    assert squares_.shape == index.shape == (3, 5)
    assert squares_.dtype == torch.float64
