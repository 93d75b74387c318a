"""Nearest neighbours: scikit-learn on the CPU, brute force in torch on a GPU."""

import torch
from jaxtyping import Float, Integer
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

PAIRS = 2**25  # distances at a time on a GPU: 256 MiB


class Neighbours:
    """The nearest of N points to any others, by Euclidean distance.

    Args:
        points: [N, F], on the device of the queries.
    """

    def __init__(self, points: Float[Tensor, "N F"]) -> None:
        self.points = points
        self.index = None
        if points.device.type == "cpu":
            # Trees where they help, else matrix products in blocks; scikit-learn decides.
            self.index = NearestNeighbors().fit(points.double().numpy())

    def __call__(
        self, queries: Float[Tensor, "B F"], count: int
    ) -> tuple[Float[Tensor, "B K"], Integer[Tensor, "B K"]]:
        """Squared distances, float64, and indices of the K nearest points, nearest first."""
        count = min(count, len(self.points))
        if self.index is not None:
            distances, index = self.index.kneighbors(queries.double().numpy(), count)
            return torch.from_numpy(distances).square(), torch.from_numpy(index)
        size, features = self.points.shape
        parts = queries.split(max(1, PAIRS // max(size, count * features)))
        found = [self.brute(part, count) for part in parts]
        squares, index = (torch.cat(one) for one in zip(*found, strict=True))
        return squares, index

    def brute(self, queries: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """The same in torch; candidates by matrix products, their distances exactly."""
        # In float64: far from the origin float32 products cancel, and choose others than nearest.
        points = self.points.double()
        rough = points.square().sum(1) - 2 * queries.double() @ points.T
        index = rough.topk(count, largest=False).indices
        exact = (queries[:, None].double() - points[index]).square().sum(-1)
        exact, order = exact.sort(1)
        return exact, index.gather(1, order)
