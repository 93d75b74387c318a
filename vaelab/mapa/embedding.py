"""Where examples lie relative to each other in as many dimensions as the latent has."""

import warnings
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
    with warnings.catch_warnings():
        # Parts that no neighbours connect are joined at their nearest points, as wanted.
        warnings.filterwarnings("ignore", "The number of connected components")
        warnings.filterwarnings("ignore", "Changing the sparsity structure")
        solver = Isomap(n_neighbors=count, n_components=dim, eigen_solver="dense")
        return np.asarray(solver.fit_transform(points))
