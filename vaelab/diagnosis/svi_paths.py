"""Where a run's inference puts one example's posterior, step by step, and what lies below it."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.batch import Batch
from vaelab.diagnosis.base import Loaded, Subject
from vaelab.diagnosis.landscape import Landscape
from vaelab.errors import UserError
from vaelab.posterior import Posterior
from vaelab.refine.refinement import RefinedPosterior
from vaelab.seeding import noise, permutation


@dataclass(frozen=True)
class Place:
    """Which example, and the grid that its landscape is made on.

    Attributes:
        split: "train", "valid" or "test".
        example: of the batch, from 0.
        seed: of the batch, which is as large as the run's, and of the noise.
        extent: half the side of the grid of z, around 0.
        points: along a side.
        chunk: points in one pass of the decoder.
    """

    split: str
    example: int
    seed: int
    extent: float
    points: int
    chunk: int


@dataclass(frozen=True)
class SviPath:
    """One run's posteriors of one example, from the first to the last, float64.

    Attributes:
        mean: of a run that does not refine, one.
        log_var: the same.
        landscape: of the run's model.
        row: of the split.
        epoch: whose weights these are.
        labels: marks of the run's results.
    """

    mean: Float[Tensor, "S 2"]
    log_var: Float[Tensor, "S 2"]
    landscape: Landscape
    row: int
    epoch: int
    labels: list[str]


def walked(subject: Subject, place: Place, epoch: int | None) -> SviPath:
    """The path of one example in a batch of its run's size: steps on its mean depend on that.

    Raises:
        UserError: the model has not one level of two dimensions, or the batch is too small.
    """
    loaded = subject.load(epoch)
    split = getattr(loaded.splits, place.split)
    size = min(loaded.config["batch_size"], len(split))
    if place.example >= size:
        raise UserError(
            f"example={place.example}: {subject.run} has batches of {size}; count from 0"
        )
    index = permutation(len(split), place.seed, place.split)[:size].to(loaded.device)
    with torch.no_grad(), noise(loaded.device, place.seed, place.split):
        x = split[index]
        q = loaded.posterior(Batch(x, index))
    dims = [mean.shape[1] for mean in q.means()]
    if dims != [2]:
        raise UserError(
            f"{subject.run}: latent dimensions {', '.join(map(str, dims))}; a landscape is drawn "
            "over two, of one level (architecture.latent_dim=2)"
        )
    own = slice(place.example, place.example + 1)
    steps = torch.stack([one[:, place.example] for one in parameters(q)]).detach().double()
    landscape = beneath(loaded, x[own], place)
    row = int(index[place.example])
    return SviPath(steps[:, 0], steps[:, 1], landscape, row, loaded.epoch, loaded.labels)


def parameters(q: Posterior) -> list[Float[Tensor, "2 B D"]]:
    """Means and log-variances of a batch: of every step, where q was refined in steps."""
    if isinstance(q, RefinedPosterior) and q.track.path:
        return q.track.path
    return [torch.stack([q.first.mean, q.first.log_var])]


def beneath(loaded: Loaded, x: Tensor, place: Place) -> Landscape:
    """The landscape of one x."""
    decoder = loaded.vae.decoder
    prior = loaded.vae.prior(loaded.vae.encoder).double()

    def log_joint(z: Tensor) -> Tensor:
        log_px = decoder((z[:, None],)).log_prob(x)[:, 0]  # K points of one example
        return log_px.double() + prior.log_prob(z.double())

    like = next(decoder.parameters())
    return Landscape.of(log_joint, place.extent, place.points, place.chunk, like)
