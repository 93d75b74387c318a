"""What is left to this project to choose, chosen: from the data, likelihood and latent at hand."""

import math
from dataclasses import dataclass
from typing import Literal

from vaelab.architecture.base import Architecture
from vaelab.bound.base import Bound
from vaelab.dataset.base import Dataset
from vaelab.errors import UserError
from vaelab.likelihood.base import Likelihood
from vaelab.likelihood.gaussian import Gaussian
from vaelab.mapa.embedding import Embedding
from vaelab.mapa.features import Distance
from vaelab.mapa.kernel import SelfTerm
from vaelab.mapa.recipe import Recipe
from vaelab.traits import Trait

FEW_ELEMENTS = 20  # data of more are compared by principal components
FEW_FEATURES = 4  # in more, an example's own index would have all the mass

Objective = Literal["collapsed", "pairs", "iw"]


@dataclass(frozen=True)
class Asked:
    """The settings of trainer=mapa as they are given, "auto" or null where they are left open."""

    c: float
    sigma2: float | Literal["auto", "likelihood", "local_pca", "perplexity"]
    perplexity: float
    width: Literal["global", "per_row"]
    k: int | None
    self_term: Literal["auto"] | SelfTerm
    normalise: Literal["row", "sinkhorn"]
    layout: Literal["auto", "path", "kd", "soft"]
    embedding: Literal["auto"] | Embedding
    landmarks: int
    distance: Literal["auto"] | Distance
    components: int

    def __post_init__(self) -> None:
        for name in ("c", "perplexity", "sigma2"):
            value = getattr(self, name)
            if not isinstance(value, str) and not 0 < value < math.inf:
                raise UserError(f"trainer.{name}={value:g}: must be above 0, and finite")
        if self.perplexity <= 1:
            raise UserError(
                f"trainer.perplexity={self.perplexity:g}: must be above 1, that of a single example"
            )
        for name, least in (("k", 1), ("landmarks", 2), ("components", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise UserError(f"trainer.{name}={value}: must be at least {least}")
        if self.normalise == "sinkhorn" and self.self_term == "exclude":
            raise UserError(
                "trainer.normalise=sinkhorn cannot be used with trainer.self_term=exclude, which "
                "leaves an isolated example no mass; choose trainer.self_term=include"
            )


def recipe(asked: Asked, likelihood: Likelihood, elements: int, latent_dim: int) -> Recipe:
    """The recipe for data of so many elements.

    Raises:
        UserError: two settings do not go together.
    """
    distance = distance_of(asked, elements)
    features = elements if distance == "raw" else min(elements, asked.components)
    scale = likelihood.scale if isinstance(likelihood, Gaussian) else None
    sigma2 = asked.sigma2
    if sigma2 == "auto":
        sigma2 = "perplexity" if scale is None or distance == "pca" else "likelihood"
    if sigma2 == "likelihood":
        if scale is None:
            raise UserError(
                "trainer.sigma2=likelihood needs likelihood=gaussian with a fixed likelihood.scale;"
                " choose trainer.sigma2=perplexity, local_pca or a number"
            )
        sigma2 = scale**2
    if asked.width == "per_row" and (sigma2 != "perplexity" or asked.normalise == "sinkhorn"):
        other = "normalise=sinkhorn" if sigma2 == "perplexity" else f"sigma2={asked.sigma2}"
        raise UserError(
            f"trainer.width=per_row cannot be used with trainer.{other}; choose "
            f"trainer.{'normalise=row' if sigma2 == 'perplexity' else 'sigma2=perplexity'}, or "
            "trainer.width=global"
        )
    layout = asked.layout
    if layout == "path" and latent_dim > 1:
        raise UserError(
            f"trainer.layout=path cannot be used with architecture.latent_dim={latent_dim}: a path "
            "has one dimension; choose trainer.layout=kd"
        )
    if layout in ("auto", "soft"):
        layout = "path" if latent_dim == 1 else "kd"
    if layout == "kd" and latent_dim > features:
        raise UserError(
            f"trainer=mapa cannot be used with architecture.latent_dim={latent_dim}: distances are "
            f"of {features} features, no fewer than the latent's dimensions are needed; choose "
            f"architecture.latent_dim={features} or less"
        )
    automatic = "include" if features <= FEW_FEATURES else "expected"
    return Recipe(
        latent_dim=latent_dim,
        c=asked.c,
        sigma2=sigma2,
        perplexity=asked.perplexity,
        per_row=asked.width == "per_row",
        k=asked.k,
        self_term=automatic if asked.self_term == "auto" else asked.self_term,
        normalise=asked.normalise,
        layout=layout,
        embedding=None if asked.embedding == "auto" else asked.embedding,
        landmarks=asked.landmarks,
    )


def distance_of(asked: Asked, elements: int) -> Distance:
    """Which distances count."""
    if asked.distance == "auto":
        return "raw" if elements <= FEW_ELEMENTS else "pca"
    return asked.distance


def objective_of(
    asked: Literal["auto"] | Objective,
    *,
    soft: bool,
    bound: Bound,
    likelihood: Likelihood,
    architecture: Architecture,
) -> Objective:
    """How the bound is maximised.

    Raises:
        UserError: the sum over examples cannot be taken before training.
    """
    many = Trait.MANY_SAMPLES in bound.offers
    sound = likelihood.collapses and not architecture.decoder.autoregressive
    if asked == "auto":
        if many:
            return "iw"
        return "collapsed" if sound and not soft else "pairs"
    if asked == "collapsed" and (soft or not sound):
        reason = (
            "trainer.layout=soft, whose codes every example weighs by itself"
            if soft
            else "an autoregressive decoder"
            if architecture.decoder.autoregressive
            else f"this likelihood ({type(likelihood).__name__}), which is not linear in x"
        )
        raise UserError(
            f"trainer.objective=collapsed cannot be used with {reason}; choose "
            "trainer.objective=pairs"
        )
    return asked


def check_data(dataset: Dataset) -> None:
    """Refuse data between which distances mean nothing.

    Raises:
        UserError: sentences.
    """
    if Trait.TOKENS in dataset.offers:
        raise UserError(
            "trainer=mapa cannot be used with a dataset of sentences, between whose words there "
            "are no distances; choose trainer=joint or trainer=aggressive"
        )
