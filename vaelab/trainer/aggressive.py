"""Lagging Inference Networks and Posterior Collapse in VAEs (He et al., 2019), 1901.05534.

Algorithm 1. Details follow the authors' code: the first inner batch is the outer one; the
encoder's gradient of the outer pass is discarded while the phase lasts; the stopping statistic is
the training loss at the present beta, measured before each step, by predicted token where data are
sentences and by example elsewhere.
"""

import time
from collections.abc import Mapping
from typing import Literal

from vaelab.batch import Batch
from vaelab.descent import Descent
from vaelab.errors import UserError
from vaelab.posterior import Posterior
from vaelab.trainer.base import InferenceStrategy, Learner
from vaelab.traits import Trait


class Aggressive(InferenceStrategy):
    """Step the encoder until it stops gaining, then the decoder once; later both together.

    While the phase lasts, each batch starts an inner loop of encoder descents on fresh random
    batches; every `window` of them the window's mean loss is compared with the last window's, and
    the loop ends when it is strictly worse or after `max_inner_steps`. Then the decoder (and all
    of theta) descends once. The phase ends for good when the validation mutual information I_q
    has fallen short `patience` times, counted over the whole run.

    With a prior made of the encoder (prior=vamp) the inner loop moves the prior's components
    too, since they are posteriors of the pseudo-inputs; the pseudo-inputs themselves belong to
    theta and move with the decoder.

    With clip_norm and clip_scope=all, the authors' choice, an inner step needs the decoder's
    gradients for the norm alone; clip_scope=stepped never takes them, which is faster and clips
    otherwise.

    Args:
        window: inner steps between checks (the paper's images: 10, text: 15).
        max_inner_steps: inner steps at most (the authors' code: 99).
        patience: epochs with less mutual information that end the phase (images: 5, text: 1).
        compare: what "less" is measured against: the "best" so far (images), or the "previous"
            epoch (text).
        start: what the first epoch is measured against (0; the authors' toy: -1). Estimates of a
            collapsed model scatter around 0, so that with 0 it may end at once.
        mixture: q(z) in the estimate: of the "batch" (the paper), at most the log of its size and
            noisy, or of the "full" validation split, from paired terms, with far less noise.
    """

    offers = frozenset({Trait.AMORTISED})
    needs = frozenset({Trait.ENCODER})

    def __init__(
        self,
        window: int,
        max_inner_steps: int,
        patience: int,
        compare: Literal["best", "previous"],
        start: float = 0.0,
        mixture: Literal["batch", "full"] = "batch",
    ) -> None:
        super().__init__()
        for name, value in (
            ("window", window),
            ("max_inner_steps", max_inner_steps),
            ("patience", patience),
        ):
            if value < 1:
                raise UserError(f"trainer.{name}={value}: must be at least 1")
        self.window = window
        self.max_inner_steps = max_inner_steps
        self.patience = patience
        self.compare = compare
        self.monitors = ("mi",) if mixture == "batch" else ("mi_full",)
        self.state = {"on": True, "reference_mi": start, "misses": 0, "ended": None}
        # Of the present epoch and of the whole run: updates with an inner loop, encoder steps in
        # them, and seconds of those steps.
        self.state |= {"epoch_loops": 0, "epoch_steps": 0, "epoch_seconds": 0.0}
        self.state |= {"loops": 0, "steps": 0, "seconds": 0.0}

    def posterior(self, learner: Learner, batch: Batch) -> Posterior:
        """The encoder's."""
        return learner.vae.encoder(batch.x)

    def update(self, learner: Learner, batch: Batch) -> Descent:
        """The inner loop and one theta descent, or one joint descent once the phase is over."""
        if not self.state["on"]:
            return learner.descend(batch, "phi", "theta")
        began = time.perf_counter()
        self.state["epoch_steps"] += self.inner_loop(learner, batch)
        self.state["epoch_seconds"] += time.perf_counter() - began
        self.state["epoch_loops"] += 1
        return learner.descend(batch, "theta")

    def inner_loop(self, learner: Learner, batch: Batch) -> int:
        """Descend phi until a window is worse than the one before; returns the steps made."""
        previous = float("inf")
        total, count = learner.descend(batch, "phi").loss * batch.counted, batch.units
        steps = 1
        while steps < self.max_inner_steps:
            if steps % self.window == 0:
                # The only place where the loop waits for the device.
                current = learner.ratio_over_ranks(total, count)
                if current > previous:
                    break
                previous = current
                total, count = 0.0, 0
            fresh = learner.random_batch()
            total = total + learner.descend(fresh, "phi").loss * fresh.counted
            count += fresh.units
            steps += 1
        return steps

    def observe(self, metrics: Mapping[str, float]) -> str | None:
        """End the phase when the mutual information has fallen short often enough."""
        if not self.state["on"]:
            return None
        mi = metrics[self.monitors[0]]
        if mi < self.state["reference_mi"]:
            self.state["misses"] += 1
        if mi >= self.state["reference_mi"] or self.compare == "previous":
            self.state["reference_mi"] = mi
        if self.state["misses"] < self.patience:
            return None
        self.state["on"] = False
        return "aggressive phase over: mutual information no longer rises; joint from here on"

    def row(self, epoch: int) -> dict[str, float]:
        """Encoder steps for each decoder step, 1 once the phase is over."""
        state, loops = self.state, self.state["epoch_loops"]
        steps = state["epoch_steps"] / loops if loops else 1.0
        for name in ("loops", "steps", "seconds"):
            state[name] += state[f"epoch_{name}"]
            state[f"epoch_{name}"] = 0
        if loops:
            state["ended"] = epoch + 1
        return {"encoder_steps": steps}

    def cost(self) -> dict[str, float | int | None]:
        """The inner loops of the whole run: until when, how long, and how many steps."""
        state = self.state
        return {
            "aggressive_epochs": state["ended"] or 0,
            "aggressive_over": not state["on"],
            "inner_seconds": state["seconds"],
            "inner_steps_per_decoder_step": state["steps"] / max(1, state["loops"]),
        }
