"""How wide the kernel is: from the noise of the data, or from a perplexity."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.mapa.kernel import Near
from vaelab.mapa.neighbours import Neighbours

ANCHORS = 2000  # rows that a width of all is fitted to
PCA_ANCHORS = 300
HALVINGS = 60


def spread_out(size: int, count: int) -> Tensor:
    """At most `count` of range(size), at equal distances: no seed is needed."""
    return torch.linspace(0, size - 1, min(size, count)).round().long()


def noise_variance(neighbours: Neighbours, latent_dim: int) -> float:
    """sigma^2 by local PCA: the median over anchors of the mean of the trailing eigenvalues.

    Of the covariance of max(30, 5 F) neighbours, all but the `latent_dim` largest; for F features
    more than latent_dim. Curvature biases it upwards, few neighbours downwards.
    """
    points = neighbours.points
    features = points.shape[1]
    anchors = spread_out(len(points), PCA_ANCHORS).to(points.device)
    _, index = neighbours(points[anchors], max(30, 5 * features))
    patches = points[index].double()
    centred = patches - patches.mean(1, keepdim=True)
    covariance = centred.mT @ centred / (patches.shape[1] - 1)
    trailing = torch.linalg.eigvalsh(covariance)[:, : features - latent_dim]
    return float(trailing.mean(1).median())


def of_perplexity(near: Near, target: float, *, per_row: bool) -> Float[Tensor, "*R"]:
    """h^2 at which the perplexity is `target`: of each row, or in the median over rows."""
    if per_row:
        return bisected(near.perplexity, target, near.squares)
    rows = spread_out(len(near.squares), ANCHORS).to(near.squares.device)
    some = near.take(rows)

    def median(variance: Tensor) -> Tensor:
        return some.perplexity(variance).median().reshape(1)

    return bisected(median, target, some.squares.flatten()[None])[0]


def bisected(
    perplexity: Callable[[Tensor], Tensor], target: float, squares: Float[Tensor, "R K"]
) -> Float[Tensor, "R"]:
    """Solve perplexity(h^2) = target by halving intervals of log h^2."""
    largest = squares.amax(1).clamp(min=torch.finfo(squares.dtype).tiny)
    smallest = torch.minimum(squares.masked_fill(squares <= 0, torch.inf).amin(1), largest)
    # At the low end of it one neighbour has everything, at the high end all have the same.
    low, high = smallest.log() - 15, largest.log() + 15
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        wide = perplexity(middle.exp()) > target
        low, high = torch.where(wide, low, middle), torch.where(wide, middle, high)
    return ((low + high) / 2).exp()
