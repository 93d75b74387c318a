"""On the true codes, index posteriors tend to the posterior of a model of more noise, 1 + c times.

The third reading of c: that the approximation is too wide by a known amount, and never elsewhere.
"""

import numpy as np
import pytest
from scipy import stats

from mapa.dense import circle, recipe
from vaelab.mapa.neighbours import Neighbours
from vaelab.mapa.recipe import fit

NOISE, EXAMPLES = 0.01, 60


def distances(size, c, *noises):
    """W1 in z between q on the true codes and the posterior of each noise, mean over examples."""
    x, turn = circle(size, NOISE)
    # The same part of the circle whatever N: what is left out would not fall.
    settings = recipe(c=c, sigma2=NOISE, layout="kd", embedding="pca", k=size // 4)
    fitted = fit(settings, Neighbours(x))
    order = np.argsort(turn)
    dense = fitted.rows.dense()[:EXAMPLES].numpy()[:, order]
    z = np.linspace(-4, 4, 4001)
    below = np.concatenate([np.zeros((EXAMPLES, 1)), dense.cumsum(1)], 1)
    below = below[:, np.searchsorted(stats.norm.ppf(turn[order]), z, side="right")]
    angle = 2 * np.pi * stats.norm.cdf(z)
    curve = np.stack([np.cos(angle), np.sin(angle)], 1)
    square = ((x[:EXAMPLES, None].double().numpy() - curve) ** 2).sum(-1)
    found = []
    for noise in noises:
        logs = -square / (2 * noise) - z**2 / 2
        exact = np.exp(logs - logs.max(1, keepdims=True)).cumsum(1)
        # int |F - G| dz, cumulative distributions of q and of the posterior.
        found.append(np.abs(below - exact / exact[:, -1:]).sum(1).mean() * (z[1] - z[0]))
    return found


def test_it_tends_to_the_posterior_of_more_noise():
    (few,) = distances(500, 1.0, 2 * NOISE)
    many, too_narrow, too_wide = distances(2000, 1.0, 2 * NOISE, NOISE, 4 * NOISE)
    assert many < 0.7 * few
    assert many < 0.035
    # And to no other: neither to the true posterior nor to that of more noise yet.
    assert min(too_narrow, too_wide) > 1.5 * many


@pytest.mark.slow
@pytest.mark.parametrize("c", [0.5, 1.0, 2.0])
def test_it_falls_on(c):
    found = [distances(size, c, (1 + c) * NOISE)[0] for size in (500, 2000, 8000)]
    assert found[2] < 0.8 * found[1] < 0.6 * found[0]
