"""Widths: the perplexity they are to have, computed from all pairs, and noise that is known."""

import numpy as np
import pytest
import torch

from mapa.dense import circle, entropy, posterior, squares
from vaelab.mapa.kernel import of_themselves
from vaelab.mapa.neighbours import Neighbours
from vaelab.mapa.width import noise_variance, of_perplexity, spread_out


@pytest.mark.parametrize("term", ["include", "exclude", "expected"])
@pytest.mark.parametrize("target", [2.5, 30.0])
def test_the_median_perplexity_is_the_target(term, target):
    x = circle(101)[0]
    near = of_themselves(Neighbours(x), 101, term, 1.0)
    variance = float(of_perplexity(near, target, per_row=False))
    found = np.exp(entropy(posterior(x.numpy(), variance, term)))
    assert np.median(found) == pytest.approx(target, rel=1e-6)


def test_the_perplexity_of_every_row_is_the_target():
    # Tight and wide clusters, of which no one width could be right.
    x = torch.cat([circle(60)[0], 1e-3 * circle(60, seed=1)[0] + 5, 1e3 * circle(60, seed=2)[0]])
    near = of_themselves(Neighbours(x), 180, "include", 1.0)
    widths = of_perplexity(near, 12.0, per_row=True)
    assert widths.shape == (180,)
    assert widths.max() > 1e6 * widths.min()
    for n in range(0, 180, 7):
        q = posterior(x.numpy(), float(widths[n]))[n : n + 1]
        assert np.exp(entropy(q)) == pytest.approx(12.0, rel=1e-6)


def flat(count, noise, seed=0):
    """A plane in five dimensions, turned, with noise; [N, 5]."""
    numbers = np.random.default_rng(seed)
    turn = np.linalg.qr(numbers.standard_normal((5, 5)))[0]
    x = numbers.standard_normal((count, 2)) @ turn[:2] * 3
    return torch.from_numpy(x + noise**0.5 * numbers.standard_normal((count, 5))).float()


def test_noise_of_a_plane_is_found():
    # 30 neighbours have 29 degrees of freedom, of which those along the plane take two: as in a
    # regression on them, 27/29 of the variance is left.
    found = noise_variance(Neighbours(flat(8000, 1e-4)), 2)
    assert found == pytest.approx(27 / 29 * 1e-4, rel=0.04)


def test_width_is_found_where_most_neighbours_are_the_same():
    x = torch.cat([torch.zeros(30, 2), circle(30)[0]])
    near = of_themselves(Neighbours(x), 60, "include", 1.0)
    widths = of_perplexity(near, 35.0, per_row=True)
    q = posterior(x.numpy(), float(widths[0]))[:1]
    assert np.exp(entropy(q)) == pytest.approx(35.0, rel=1e-6)
    # No width gives fewer than the copies; a small one comes nearest.
    widths = of_perplexity(near, 5.0, per_row=True)
    q = posterior(x.numpy(), float(widths[0]))[:1]
    assert np.exp(entropy(q)) == pytest.approx(30.0, rel=1e-6)


def test_noise_is_the_median_of_trailing_eigenvalues():
    x = flat(90, 0.05)
    averages = []
    for n in range(90):
        patch = x[np.argsort(squares(x[n : n + 1], x)[0])[:30]].double().numpy()
        eigenvalues = np.linalg.eigvalsh(np.cov(patch.T))
        averages.append(np.sort(eigenvalues)[:3].mean())
    # torch takes the lower of the two in the middle.
    expected = np.sort(averages)[44]
    assert noise_variance(Neighbours(x), 2) == pytest.approx(expected, rel=1e-6)


def test_anchors_are_spread_over_all():
    assert spread_out(5, 9).tolist() == [0, 1, 2, 3, 4]
    assert spread_out(101, 5).tolist() == [0, 25, 50, 75, 100]
    assert len(spread_out(60_000, 2000).unique()) == 2000
