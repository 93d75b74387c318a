"""An order of examples along a short open path through the data: codes of one dimension.

Landmarks by k-means, the path through them by nearest-neighbour starts and 2-opt, and examples
between two landmarks by their projection on the path's direction there. (An order by a graph
Laplacian's eigenvector would interleave the two arcs of a closed curve.)
"""

import numpy as np
from sklearn.cluster import KMeans

Array = np.ndarray
STARTS = 10


def ranks(points: Array, landmarks: int) -> Array:
    """The place 0..N-1 of each of N points, int64; deterministic.

    Args:
        points: float64 [N, F], noise reduced already.
        landmarks: at most so many.
    """
    count = min(landmarks, len(np.unique(points, axis=0)))
    if count < 2:
        return np.arange(len(points))
    fitted = KMeans(count, n_init=3, random_state=0).fit(points)  # pyright: ignore
    path = shortest_path(fitted.cluster_centers_)
    centres = fitted.cluster_centers_[path]
    place = np.argsort(path)[fitted.labels_]
    along = np.einsum("nf,nf->n", points - centres[place], directions(centres)[place])
    found = np.empty(len(points), dtype=np.int64)
    found[np.lexsort((along, place))] = np.arange(len(points))
    return found


def directions(centres: Array) -> Array:
    """Of the path at each landmark: from the one before it to the one behind it."""
    ends = np.concatenate([centres[:1], centres, centres[-1:]])
    return ends[2:] - ends[:-2]


def shortest_path(centres: Array) -> Array:
    """A short open path that visits every landmark once: their order."""
    distance = np.linalg.norm(centres[:, None] - centres[None], axis=-1)
    starts = np.unique(np.linspace(0, len(centres) - 1, STARTS).round().astype(int))
    paths = [two_opt(nearest_first(distance, int(start)), distance) for start in starts]
    return min(paths, key=lambda path: length(path, distance))


def length(path: Array, distance: Array) -> float:
    """Of an open path."""
    return float(distance[path[:-1], path[1:]].sum())


def nearest_first(distance: Array, start: int) -> Array:
    """Always on to the nearest landmark that has not been visited."""
    path, left = [start], np.ones(len(distance), dtype=bool)
    left[start] = False
    while left.any():
        nearest = int(np.argmin(np.where(left, distance[path[-1]], np.inf)))
        path.append(nearest)
        left[nearest] = False
    return np.array(path)


def two_opt(path: Array, distance: Array) -> Array:
    """Reverse the piece between two places while that makes the open path shorter.

    All reversals are compared at once and the best is taken, until none helps.
    """
    count = len(path)
    first, last = np.triu_indices(count, 1)
    while True:
        # Ends of the path have no edge beyond them: a city at distance 0 from all.
        padded = np.pad(distance[np.ix_(path, path)], 1)
        inner, outer = first + 1, last + 1
        before = padded[first, inner] + padded[outer, last + 2]
        gain = before - padded[first, outer] - padded[inner, last + 2]
        # Reversing all of it changes nothing.
        best = int(np.argmax(gain))
        if gain[best] < 1e-12 * (1 + distance.max()):
            return path
        low, high = first[best], last[best]
        path = np.concatenate([path[:low], path[low : high + 1][::-1], path[high + 1 :]])
