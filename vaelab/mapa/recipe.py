"""From training data to an index posterior and a layout, before any training; no randomness."""

import hashlib
import math
from dataclasses import asdict, dataclass, field
from typing import Literal

import torch
from jaxtyping import Float, Integer
from torch import Tensor

from vaelab.errors import UserError
from vaelab.mapa.cells import Cells
from vaelab.mapa.embedding import Embedding
from vaelab.mapa.features import Distance
from vaelab.mapa.kernel import Near, SelfTerm, of_themselves
from vaelab.mapa.layout import Kind, placed
from vaelab.mapa.neighbours import Neighbours
from vaelab.mapa.sinkhorn import balanced
from vaelab.mapa.sparse import SparseRows
from vaelab.mapa.width import noise_variance, of_perplexity, spread_out

Sigma2 = float | Literal["local_pca", "perplexity"]
DROPPED = 0.01  # mass beyond the K neighbours that is not worth a warning
FEW, MOST = 200, 2**24  # neighbours to begin with; entries of the matrix that K may grow to
ANCHORS = 300  # examples that say how many neighbours are enough
ISOMAP_LIMIT = 5000


@dataclass(frozen=True)
class Recipe:
    """How an index posterior and a layout are made; no setting is left open.

    Args:
        latent_dim: d.
        c: h^2 = c sigma2.
        sigma2: noise variance of the data; "local_pca" estimates it, "perplexity" sets h by the
            number of neighbours that share the mass.
        perplexity: exp(H(q_n)) that is aimed at.
        per_row: whether each example has an h of its own ("perplexity" alone).
        k: neighbours that are kept; None: enough that 99 % of the mass is theirs.
        self_term: an example's own index.
        normalise: rows that sum to 1, or rows and columns.
        layout: "path" (d = 1) or "kd".
        embedding: of "kd"; None: isomap where there are more features than d and no more than
            5,000 examples, else pca.
        landmarks: of "path".
    """

    latent_dim: int
    c: float
    sigma2: Sigma2
    perplexity: float
    per_row: bool
    k: int | None
    self_term: SelfTerm
    normalise: Literal["row", "sinkhorn"]
    layout: Kind
    embedding: Embedding | None
    landmarks: int


@dataclass(frozen=True)
class Fitted:
    """What a recipe makes of N examples.

    Attributes:
        rows: q(m|x_n) of every example.
        variance: h^2, one number or one of each example.
        log_scale: log a of each index where columns sum to 1 too, else 0.
        place: the cell of each index.
        facts: what is known before training, plain numbers.
        warnings: in words.
    """

    rows: SparseRows
    variance: Float[Tensor, "*N"]
    log_scale: Float[Tensor, "N"]
    place: Integer[Tensor, "N"]
    facts: dict[str, float]
    warnings: list[str] = field(default_factory=list)


def fingerprint(
    recipe: Recipe, distance: Distance, components: int, x: Float[Tensor, "N *event"]
) -> str:
    """Of data and settings: what a checkpoint is held to.

    Not of the features: last digits of principal components depend on the number of threads.
    """
    settings = (sorted(asdict(recipe).items()), distance, components)
    digest = hashlib.sha256(repr(settings).encode())
    digest.update(x.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def fit(recipe: Recipe, neighbours: Neighbours) -> Fitted:
    """The index posterior of every example among all, and the layout.

    Raises:
        UserError: the settings do not fit data of this size.
    """
    size, features = neighbours.points.shape
    if recipe.k is not None and not 1 <= recipe.k <= size:
        raise UserError(f"trainer.k={recipe.k}: must be 1 to {size}, the training examples")
    if size <= recipe.latent_dim:
        raise UserError(
            f"trainer=mapa cannot be used with {size} training examples and "
            f"architecture.latent_dim={recipe.latent_dim}: there must be more examples"
        )
    near, variance = _near(recipe, neighbours)
    if not bool((variance.isfinite() & (variance > 0)).all()):
        raise UserError(
            f"trainer.sigma2={recipe.sigma2}: gives no width that is finite and above 0 for these "
            "data; choose a number"
        )
    rows, log_scale = _normalised(recipe, near, variance)
    smoothed = _means(rows, neighbours.points)
    embedding = recipe.embedding or (
        "isomap" if features > recipe.latent_dim and size <= ISOMAP_LIMIT else "pca"
    )
    cells = Cells(size, recipe.latent_dim)
    place = placed(cells, smoothed, recipe.layout, embedding, recipe.landmarks)
    facts = _facts(rows, near, variance)
    return Fitted(rows, variance, log_scale, place, facts, _warnings(facts))


def _near(recipe: Recipe, neighbours: Neighbours) -> tuple[Near, Tensor]:
    """The K nearest of every example, and h^2."""
    count = recipe.k or _enough(recipe, neighbours)
    near = of_themselves(neighbours, count, recipe.self_term, recipe.c)
    return near, _variance(recipe, neighbours, near)


def _enough(recipe: Recipe, neighbours: Neighbours) -> int:
    """K with which the others have next to nothing: half of what is allowed, of some examples."""
    size = len(neighbours.points)
    some = spread_out(size, ANCHORS).to(neighbours.points.device)
    count = min(size, FEW)
    while True:
        near = of_themselves(neighbours, count, recipe.self_term, recipe.c, some)
        dropped = near.dropped(_variance(recipe, neighbours, near)).quantile(0.95)
        if count >= size or 2 * count * size > MOST or dropped < DROPPED / 2:
            return count
        count = min(size, 2 * count)


def _variance(recipe: Recipe, neighbours: Neighbours, near: Near) -> Tensor:
    if recipe.sigma2 == "perplexity":
        if recipe.perplexity >= near.squares.shape[1]:
            raise UserError(
                f"trainer.perplexity={recipe.perplexity:g}: must be below the number of "
                f"neighbours, {near.squares.shape[1]}"
            )
        return of_perplexity(near, recipe.perplexity, per_row=recipe.per_row)
    sigma2 = recipe.sigma2
    if sigma2 == "local_pca":
        if neighbours.points.shape[1] <= recipe.latent_dim:
            raise UserError(
                "trainer.sigma2=local_pca needs data of more dimensions than the latent's "
                f"{recipe.latent_dim}; choose trainer.sigma2=perplexity or a number"
            )
        sigma2 = noise_variance(neighbours, recipe.latent_dim)
    return torch.tensor(recipe.c * sigma2, dtype=torch.float64, device=near.squares.device)


def _normalised(recipe: Recipe, near: Near, variance: Tensor) -> tuple[SparseRows, Tensor]:
    """The index posterior, and log a."""
    device = near.squares.device
    if recipe.normalise == "row":
        zeros = torch.zeros(near.size, dtype=torch.float64, device=device)
        return near.rows(variance), zeros
    kernel = SparseRows.regular(near.index, near.log_kernel(variance).exp(), near.size)
    rows, log_scale = balanced(kernel)
    return rows.to(device), log_scale.to(device)


def _means(rows: SparseRows, points: Tensor) -> Float[Tensor, "N F"]:
    """sum_m q_nm x_m: examples with less noise."""
    return torch.from_numpy(rows.matrix @ points.double().cpu().numpy())


def _facts(rows: SparseRows, near: Near, variance: Tensor) -> dict[str, float]:
    """Perplexities, the constant KL divergence and what is left out, all of it before training."""
    entropy = rows.entropy()
    levels = torch.tensor([0.05, 0.5, 0.95], dtype=entropy.dtype, device=entropy.device)
    low, middle, high = entropy.exp().quantile(levels).tolist()
    sums = rows.column_sums()
    return {
        "examples": len(rows),
        "neighbours": near.squares.shape[1],
        "width": float(variance.sqrt().median()),
        "perplexity_5": low,
        "perplexity_50": middle,
        "perplexity_95": high,
        "kl": math.log(rows.size) - float(entropy.mean()),
        "column_sum_sd": float(sums.std()),
        "dropped_95": float(near.dropped(variance).quantile(0.95)),
    }


def _warnings(facts: dict[str, float]) -> list[str]:
    """What the program must say, in words."""
    said = []
    if facts["perplexity_5"] < 2:
        said.append(
            f"resolution limited: a twentieth of the {facts['examples']} examples have an index "
            f"posterior of perplexity {facts['perplexity_5']:.2f} or less, so that they explain "
            "themselves alone; choose a larger trainer.c, trainer.layout=soft, "
            "trainer.sigma2=perplexity or more data"
        )
    if facts["dropped_95"] > DROPPED:
        said.append(
            f"up to {facts['dropped_95']:.0%} of an example's mass is beyond its "
            f"{facts['neighbours']} neighbours; choose a larger trainer.k"
        )
    return said
