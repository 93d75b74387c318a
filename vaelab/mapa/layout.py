"""Which cell belongs to which example: neighbours in the data are neighbours in the latent."""

from typing import Literal

from jaxtyping import Float, Integer
from torch import Tensor

from vaelab.mapa import path
from vaelab.mapa.cells import Cells
from vaelab.mapa.embedding import Embedding, embedded

Kind = Literal["path", "kd"]


class Layout:
    """Cells of equal prior mass, one for each of N indices.

    Args:
        cells: N of them.
        place: the cell of each index.

    Attributes:
        index_of: the index of each cell.
    """

    def __init__(self, cells: Cells, place: Integer[Tensor, "N"]) -> None:
        self.cells = cells.to(place.device)
        self.place = place
        self.index_of = place.argsort()

    def sample(self, index: Integer[Tensor, "*B"]) -> Float[Tensor, "*B d"]:
        """Z ~ p(z | the index's cell)."""
        return self.cells.sample(self.place[index])

    def find(self, z: Float[Tensor, "*B d"]) -> Integer[Tensor, "*B"]:
        """The index whose cell holds each z."""
        return self.index_of[self.cells.find(z)]

    def moments(self) -> tuple[Float[Tensor, "N d"], Float[Tensor, "N d"]]:
        """Mean and variance of z in each index's cell, float64."""
        mean, variance = self.cells.moments
        return mean[self.place], variance[self.place]


def placed(
    cells: Cells, smoothed: Float[Tensor, "N F"], kind: Kind, embedding: Embedding, landmarks: int
) -> Integer[Tensor, "N"]:
    """The cell of each example.

    Args:
        cells: N of them, in as many dimensions as the latent.
        smoothed: mean of each example's index posterior, in the features of the distances.
        kind: "path", along one path through the data (d = 1); "kd", by an embedding.
        embedding: of "kd".
        landmarks: of "path".
    """
    points = smoothed.double().cpu().numpy()
    if kind == "path":
        codes = path.ranks(points, landmarks)[:, None]
    else:
        codes = embedded(points, cells.dim, embedding)
    return cells.place(codes)
