"""Features: raw elements, or principal components that keep distances."""

import pytest
import torch

from vaelab.mapa.features import Features


def test_raw_features_are_the_elements():
    x = torch.rand(5, 1, 2, 3)
    assert torch.equal(Features(x, "raw", 2)(x), x.flatten(1))


def test_all_components_keep_distances():
    torch.manual_seed(0)
    x, new = torch.randn(40, 6), torch.randn(9, 6)
    features = Features(x, "pca", 6)
    torch.testing.assert_close(torch.cdist(features(x), features(new)), torch.cdist(x, new))


@pytest.mark.parametrize("width", [12, 150])
def test_some_components_are_the_projection_of_largest_variance(width):
    torch.manual_seed(0)
    x = torch.randn(300, 3) @ torch.randn(3, width) + 0.01 * torch.randn(300, width) + 4
    features = Features(x, "pca", 3)(x).double()
    assert features.shape == (300, 3)
    eigenvalues = torch.linalg.eigvalsh(x.T.double().cov()).flip(0)[:3]
    expected = torch.diag(eigenvalues)
    torch.testing.assert_close(features.T.cov(), expected, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(features.mean(0), torch.zeros(3).double(), rtol=0, atol=1e-4)


def test_there_are_no_more_components_than_elements_or_examples():
    assert Features(torch.randn(40, 3), "pca", 50)(torch.randn(2, 3)).shape == (2, 3)
    assert Features(torch.randn(4, 9), "pca", 50)(torch.randn(2, 9)).shape == (2, 4)
