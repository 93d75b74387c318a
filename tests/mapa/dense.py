"""Index posteriors written out in full, in numpy and by definition."""

import numpy as np
import torch

from vaelab.mapa.recipe import Recipe
from vaelab.mapa.sparse import SparseRows


def squares(a, b):
    """Squared distances between all rows of one and all of the other, in loops over features."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    return sum((a[:, None, f] - b[None, :, f]) ** 2 for f in range(a.shape[1]))


def posterior(x, variance, self_term="include", c=1.0):
    """q(m|x_n) of all pairs."""
    logs = -squares(x, x) / (2 * variance)
    if self_term == "exclude":
        np.fill_diagonal(logs, -np.inf)
    if self_term == "expected":
        # 2 sigma^2 F over 2 h^2 = 2 c sigma^2.
        np.fill_diagonal(logs, -x.shape[1] / c)
    kernel = np.exp(logs - logs.max(1, keepdims=True))
    return kernel / kernel.sum(1, keepdims=True)


def entropy(q):
    """Of each row, in nats."""
    logs = np.log(q, where=q > 0, out=np.zeros_like(q))
    return -(q * logs).sum(1)


def sparse(q):
    """The same numbers as sparse rows of different lengths: zeros are left out."""
    q = torch.as_tensor(q, dtype=torch.float64)
    rows, columns = q.nonzero(as_tuple=True)
    starts = torch.cat([torch.zeros(1, dtype=torch.int64), (q > 0).sum(1).cumsum(0)])
    return SparseRows(starts, columns, q[rows, columns], q.shape[1])


def recipe(**settings):
    """A recipe of which a test says what matters to it."""
    given = {
        "latent_dim": 1, "c": 1.0, "sigma2": 0.01, "perplexity": 30.0, "per_row": False,
        "k": None, "self_term": "include", "normalise": "row", "layout": "path",
        "embedding": None, "landmarks": 60,
    }  # fmt: skip
    return Recipe(**(given | settings))


def circle(count, noise=0.01, seed=0):
    """Points about the unit circle, float32 [N, 2], and their places on it in [0, 1)."""
    numbers = np.random.default_rng(seed)
    turn = numbers.random(count)
    x = np.stack([np.cos(2 * np.pi * turn), np.sin(2 * np.pi * turn)], 1)
    x = x + noise**0.5 * numbers.standard_normal((count, 2))
    return torch.from_numpy(x).float(), turn
