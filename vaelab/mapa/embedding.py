"""Where examples lie relative to each other in as many dimensions as the latent has."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import Isomap

Array = np.ndarray
Embedding = Literal["isomap", "pca"]
NEIGHBOURS = 12


def embedded(points: Array, dim: int, kind: Embedding) -> Array:
    """[N, dim] float64, deterministic.

    Args:
        points: float64 [N, F].
        dim: no more than F.
        kind: "pca", whitened principal components; "isomap", distances along the data, whose
            memory is quadratic in N.
    """
    if kind == "pca":
        return PCA(dim, whiten=True, svd_solver="full").fit_transform(points)
    count = min(NEIGHBOURS, len(points) - 1)
    iterated = len(points) > 200 and dim < 10  # faster, from a random vector
    with warnings.catch_warnings(), seeded():
        # Parts that no neighbours connect are joined at their nearest points, as wanted.
        warnings.filterwarnings("ignore", "The number of connected components")
        warnings.filterwarnings("ignore", "Changing the sparsity structure")
        solver = Isomap(n_neighbors=count, n_components=dim)
        solver.eigen_solver = "arpack" if iterated else "dense"
        return np.asarray(solver.fit_transform(points))


@contextmanager
def seeded() -> Iterator[None]:
    """Numpy's global generator, from which scikit-learn draws that vector; as it was afterwards."""
    state = np.random.get_state()  # no other can be given to Isomap
    np.random.seed(0)
    try:
        yield
    finally:
        np.random.set_state(state)
