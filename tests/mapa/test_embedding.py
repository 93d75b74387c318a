"""Embeddings: whitened axes, and distances along the data where those are known."""

import numpy as np
import pytest
from scipy import stats

from vaelab.mapa.embedding import embedded


def test_principal_components_are_whitened_projections():
    numbers = np.random.default_rng(0)
    x = numbers.standard_normal((200, 3)) @ numbers.standard_normal((3, 3)) + 7
    codes = embedded(x, 2, "pca")
    values, vectors = np.linalg.eigh(np.cov(x.T))
    expected = (x - x.mean(0)) @ vectors[:, ::-1][:, :2] / np.sqrt(values[::-1][:2])
    signs = np.sign((codes * expected).sum(0))
    np.testing.assert_allclose(codes, expected * signs, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(np.cov(codes.T), np.eye(2), atol=1e-9)


@pytest.mark.parametrize("kind", ["pca", "isomap"])
@pytest.mark.parametrize("size", [90, 300])
def test_it_is_the_same_whatever_numpy_draws_and_draws_nothing(kind, size):
    x = np.random.default_rng(0).standard_normal((size, 3))
    np.random.seed(1)
    one = embedded(x, 2, kind)
    drawn = np.random.rand()
    np.random.seed(1)
    assert np.random.rand() == drawn
    assert np.array_equal(one, embedded(x, 2, kind))


def test_isomap_unrolls_a_spiral():
    along = np.sqrt(np.linspace(4, 100, 400))
    x = np.stack([along * np.cos(along), along * np.sin(along)], 1)
    codes = embedded(x, 1, "isomap")[:, 0]
    assert abs(stats.spearmanr(codes, along).statistic) > 0.9999
    # Distances are those along the curve.
    length = np.linalg.norm(np.diff(x, axis=0), axis=1).sum()
    assert np.ptp(codes) == pytest.approx(length, rel=0.01)


def test_isomap_joins_parts_that_are_far_apart():
    numbers = np.random.default_rng(0)
    x = np.concatenate([numbers.standard_normal((40, 2)), 100 + numbers.standard_normal((40, 2))])
    codes = embedded(x, 1, "isomap")[:, 0]
    assert np.isfinite(codes).all()
    assert codes[:40].max() < codes[40:].min() or codes[40:].max() < codes[:40].min()


def test_isomap_takes_examples_that_are_the_same():
    line = np.linspace(0, 1, 30)[:, None] * [[1.0, 2.0]]
    codes = embedded(np.repeat(line, 3, axis=0), 1, "isomap")[:, 0]
    codes = codes.reshape(30, 3)
    np.testing.assert_allclose(codes, codes[:, :1].repeat(3, axis=1), atol=1e-9)
    steps = np.diff(codes[:, 0])
    assert (steps > 0).all() or (steps < 0).all()
