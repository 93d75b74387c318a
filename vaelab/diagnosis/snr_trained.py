"""A trained model as a source of gradients: every weight, on one fixed batch, at KL weight 1."""

from jaxtyping import Float
from torch import Tensor

from vaelab.bound.base import Bound
from vaelab.diagnosis.base import Loaded
from vaelab.diagnosis.snr_sweep import Source
from vaelab.errors import UserError
from vaelab.evaluation.gradients import draw_gradients, fixed_batch
from vaelab.evaluation.moments import GradientDraws
from vaelab.evaluation.signal import Ratio, ratio_of, some_weights
from vaelab.traits import offers


class Trained(Source):
    """Gradients of every weight of a trained model on one fixed batch, at KL weight 1.

    Args:
        loaded: the model.
        draws: of every gradient.
        examples: of the training split, in the batch.
        weights: coordinates of each tensor that `Ratio.snr` is the mean over.
        seed: of the batch, of the noise and of the weights chosen.
    """

    def __init__(self, loaded: Loaded, draws: int, examples: int, weights: int, seed: int) -> None:
        self.loaded = loaded
        self.draws = draws
        self.weights = weights
        self.seed = seed
        self.batch = fixed_batch(loaded.splits.train, examples, seed, loaded.device)
        groups = loaded.vae.parameter_groups()
        self.sizes = {name: [one.numel() for one in some] for name, some in groups.items()}

    def draw(
        self, bound: Bound, along: Float[Tensor, "P"] | None, *seed: int | str
    ) -> dict[str, GradientDraws]:
        """One pass a draw."""
        if unmet := bound.needs - offers(self.loaded.vae.prior):
            words = " and ".join(trait.value for trait in unmet)
            name = type(bound).__name__.lower()
            raise UserError(f"estimators: {name} needs {words}; leave it out for this run")
        kept = {"phi": GradientDraws(self.draws, along), "theta": GradientDraws(self.draws)}
        draw_gradients(
            self.loaded.vae,
            self.loaded.posterior,
            self.batch,
            bound,
            1.0,
            kept,
            self.seed,
            *seed,
        )
        return kept

    def ratio(
        self, group: str, draws: GradientDraws, signal: GradientDraws | None, words: str
    ) -> Ratio:
        """Over some weights of every tensor, as the paper does, and over all."""
        varying = draws.moments.variance > 0
        chosen = some_weights(self.sizes[group], varying, self.weights, self.seed, group)
        return ratio_of(draws, signal, words, chosen)
