"""Signal-to-noise ratios of the gradients that a run descends, on a fixed batch.

Tighter Variational Bounds are Not Necessarily Better (Rainforth et al., 2018), 1802.04537, figures
of the ratios during training: evaluate a run's snapshots with evaluation.epoch. Weights stay as
they are and so does the batch, its binarisation too; what varies is the bound's own noise. The
signal is the mean of the draws themselves, as any objective has one: see `floor` of each metric.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from vaelab.batch import Batch
from vaelab.bound.base import Bound
from vaelab.dataset.base import Split
from vaelab.errors import UserError
from vaelab.evaluation.evaluate import Results
from vaelab.evaluation.gradients import draw_gradients, fixed_batch
from vaelab.evaluation.kept import Kept
from vaelab.evaluation.metric import Metric
from vaelab.evaluation.moments import GradientDraws
from vaelab.evaluation.progress import silent
from vaelab.evaluation.signal import Ratio, ratio_of, some_weights
from vaelab.model import VAE
from vaelab.posterior import Posterior

LEAST = {"draws": 20, "examples": 1, "weights": 1, "epoch": 1}
PASSES = 3  # a forward and a backward pass in forward ones
ROUNDING = 1e-6  # noise of a gradient, relative to itself, that is only float32's


@dataclass(frozen=True)
class Snr:
    """|mean| / sd of gradients (snr) and their directional ratio (dsnr), of phi and of theta.

    Args:
        draws: of the gradient.
        examples: in the batch, drawn by the seed.
        weights: coordinates of every tensor, drawn by the seed, that snr is the mean over.
        splits: where the batch is from.
        seed: of the batch, its binarisation, the weights chosen and all noise.
        epoch: whose weights, one of the run's snapshots; None: the one that is selected.
    """

    draws: int
    examples: int
    weights: int
    splits: list[Literal["train", "valid", "test"]]
    seed: int
    epoch: int | None

    per_example = False

    def __post_init__(self) -> None:
        for name, least in LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise UserError(f"evaluation.{name}={value}: must be at least {least}")

    @property
    def settings(self) -> dict[str, Any]:
        """Every argument, for the record."""
        return asdict(self)

    def size(self, vae: VAE, split: Split) -> tuple[int, int]:
        """Draws, and what its progress counts: draws too."""
        return self.draws, self.draws

    def rows(self, autoregressive: bool, examples: int, num_samples: int) -> int:
        """About how many rows the decoder is given, whatever the split."""
        return PASSES * self.draws * num_samples * self.examples

    def __call__(
        self,
        vae: VAE,
        posterior: Callable[[Batch], Posterior],
        split: Split,
        name: str,
        discrete: bool,
        progress: Callable[[int], None] = silent,
        kept: Kept | None = None,
        *,
        bound: Bound,
        beta: float,
    ) -> Results:
        """snr_phi, snr_theta, dsnr_phi and dsnr_theta; arguments as of `Evaluation`.

        Of theta alone where the model has no latent and so no encoder.
        """
        groups = {key: some for key, some in vae.parameter_groups().items() if some}
        device = next(vae.parameters()).device
        batch = fixed_batch(split, self.examples, self.seed, device)
        draws = {key: GradientDraws(self.draws) for key in groups}
        draw_gradients(
            vae, posterior, batch, bound, beta, draws, self.seed, name, progress=progress
        )
        about = f"{type(bound).__name__}, beta = {beta:g}"
        of = bound.num_samples, len(batch.x)
        metrics = {}
        for key, some in groups.items():
            moments = draws[key].moments
            varying = moments.variance > 0
            if moments.variance.sum() <= (ROUNDING * moments.mean).square().sum():
                raise UserError(
                    f"evaluation=snr: nothing of {key} varies; its gradient has no noise on a "
                    "fixed batch (an exact likelihood without dropout), and one draw is all of it"
                )
            sizes = [one.numel() for one in some]
            chosen = some_weights(sizes, varying, self.weights, self.seed, key)
            ratio = ratio_of(draws[key], chosen=chosen)
            metrics[f"snr_{key}"] = snr_metric(ratio, about, *of)
            metrics[f"dsnr_{key}"] = dsnr_metric(ratio, about, *of)
        return Results(metrics, {"index": batch.index.cpu()})


def snr_metric(ratio: Ratio, about: str, samples: int, examples: int) -> Metric:
    """Mean over the weights chosen; over all of them in `every`, by quantile in `quantiles`."""
    words = f"|mean| / sd of {ratio.draws} draws, mean of {ratio.weights} weights; {about}"
    extra = {
        "draws": ratio.draws,
        "weights": ratio.weights,
        "floor": ratio.floor,
        "every": ratio.every,
        "quantiles": ratio.quantiles,
        "varying": ratio.varying,
        "constant": ratio.constant,
    }
    return Metric(ratio.snr, ratio.se, words, samples, examples, extra)


def dsnr_metric(ratio: Ratio, about: str, samples: int, examples: int) -> Metric:
    """Over all weights; direction from one half of the draws, ratios from the other."""
    words = f"mean |parallel| / |perpendicular|, direction: {ratio.direction}; {about}"
    extra = {"draws": ratio.draws}
    return Metric(ratio.dsnr, ratio.dsnr_se, words, samples, examples, extra)
