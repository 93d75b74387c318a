"""log p(x) of the validation data while a model of one or two latent dimensions trains.

With what it took so far, for curves of density estimation against computation that are fair to
strategies whose bounds differ in tightness. Test data are not looked at.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from vaelab.errors import UserError
from vaelab.evaluation.quadrature import Grid, integrate
from vaelab.seeding import permutation
from vaelab.traits import Trait
from vaelab.watch.base import Moments, Watch, Watched


class LogLikelihood(Watch):
    """Mean of log p(x) by quadrature, passes of both networks, and seconds spent in updates.

    Args:
        latent_dims: of the architecture.
        points: of the grid, a side: for one latent dimension, and for two. Odd; that of half of
            the intervals says by how much the mean moves.
        examples: of the validation data, drawn by the run's seed; None, or where there are fewer:
            all.
        chunk: points in one pass of the decoder.
        updates: after so many decoder updates.
        every: and after every so many; None: no others.
        epochs: and after the last of every epoch.
    """

    name = "log_likelihood"
    needs = frozenset({Trait.STANDARD_PRIOR})  # another may have mass where the grid has no points

    def __init__(
        self,
        latent_dims: tuple[int, ...],
        points: tuple[int, int],
        examples: int | None,
        chunk: int,
        updates: Sequence[int],
        every: int | None,
        epochs: bool,
    ) -> None:
        if tuple(latent_dims) not in ((1,), (2,)):
            had = ", ".join(map(str, latent_dims))
            raise ValueError(
                f"the architecture has latent dimensions {had}, and log p(x) is summed over one or "
                "two, of one level; set architecture.latent_dim=1 or 2, or watch=none"
            )
        for name, value, least in (
            ("examples", examples, 2),
            ("chunk", chunk, 1),
            ("every", every, 1),
        ):
            if value is not None and value < least:
                raise UserError(f"watch.{name}={value}: must be at least {least}")
        if any(update < 0 for update in updates):
            raise UserError(f"watch.updates={list(updates)}: must be 0 or more")
        if any(side < 5 or side % 2 == 0 for side in points):
            raise UserError(f"watch.points={list(points)}: must be odd numbers from 5 on")
        self.moments = Moments(frozenset(updates), every, epochs)
        self.grid = Grid(latent_dims[0], points[latent_dims[0] - 1] - 1)
        self.examples = examples
        self.chunk = chunk

    def record(self, watched: Watched) -> dict[str, Tensor]:
        """`log_likelihood`, `se`, `moved` in nats; `encoder_passes`, `decoder_passes`, `seconds`.

        Raises:
            UserError: the decoder is autoregressive; every pair of a point and an example would be
                a pass of it.
        """
        vae, valid, progress = watched.vae, watched.valid, watched.progress
        if vae.decoder.autoregressive:
            raise UserError(
                "watch=log_likelihood: the decoder is autoregressive, so that every point of the "
                "grid would be a pass for every example; choose watch=none"
            )
        x = valid[permutation(len(valid), watched.seed, self.name)[: self.examples]]
        prior = vae.prior(vae.encoder).double()
        found = integrate(vae.decoder, prior, x, self.grid, 0, 0, self.chunk)
        numbers = {
            "moved": found.moved,
            "encoder_passes": progress.encoder_passes,
            "decoder_passes": progress.decoder_passes,
            "seconds": progress.seconds,
        }
        return {
            "log_likelihood": found.log_px.mean(),
            "se": found.log_px.std() / len(x) ** 0.5,
            **{name: torch.tensor(value, dtype=torch.float64) for name, value in numbers.items()},
        }
