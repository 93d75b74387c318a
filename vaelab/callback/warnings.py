"""What a user should be told in words while it happens: collapse, and a machine too busy."""

import logging
import time
from typing import Any

import pytorch_lightning as pl

from vaelab.collapse import GRACE, collapsed
from vaelab.task import Task

log = logging.getLogger(__name__)


class CollapseWarning(pl.Callback):
    """Says when the posterior has collapsed onto the prior, and when it has come back.

    On validation data, when at least GRACE epochs have passed.

    Args:
        units: latent dimensions of all levels.
    """

    def __init__(self, units: int) -> None:
        self.units = units
        self.collapsed = False

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Look at the epoch that just ended."""
        assert isinstance(pl_module, Task)
        epoch, kl, au = (
            pl_module.progress.epoch + 1,
            pl_module.row["val/kl"],
            pl_module.row["val/au"],
        )
        now = self.units > 0 and collapsed(kl, au)
        if now and not self.collapsed and epoch > GRACE:
            log.warning(
                "the posterior has collapsed: after epoch %d KL is %.3f nats and %d of %d units "
                "are active, so the decoder ignores z; a longer KL warm-up (beta=linear "
                "beta.warmup=50), free bits (bound.free_bits=0.1) or trainer=aggressive may help",
                epoch, kl, au, self.units,
            )  # fmt: skip
            self.collapsed = True
        elif self.collapsed and not now:
            log.warning(
                "the posterior is in use again: KL %.2f nats, %d of %d units active",
                kl, au, self.units,
            )  # fmt: skip
            self.collapsed = False


class SlowdownWarning(pl.Callback):
    """Says when a step takes far longer than the first timed ones did.

    Two torch threads beside another busy process can be a hundred times slower than one.

    Args:
        factor: how many times slower is worth a warning.
        every: seconds between warnings.
    """

    def __init__(self, factor: float = 5.0, every: float = 300.0) -> None:
        self.factor = factor
        self.every = every
        self.warned = float("-inf")

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any
    ) -> None:
        """Compare the last steps with the first."""
        assert isinstance(pl_module, Task)
        slowdown, now = pl_module.clock.slowdown(), time.monotonic()
        if slowdown > self.factor and now - self.warned > self.every:
            self.warned = now
            first = (pl_module.clock.first or 0.0) * 1000
            log.warning(
                "a step now takes %.0f ms, %.0f times as long as the first ones (%.1f ms): the "
                "machine is probably shared; stop the other job, or start again with threads=1",
                first * slowdown, slowdown, first,
            )  # fmt: skip
