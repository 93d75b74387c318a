"""Lagging Inference Networks and Posterior Collapse in VAEs (He et al., 2019), 1901.05534, code.

When validation has been worse for a while, the rate is halved, the best epoch's weights are loaded
and the optimisers begin anew; after so many times training is over.
"""

from collections.abc import Mapping
from typing import Literal

from vaelab.errors import UserError
from vaelab.learning_rate.base import LearningRate


class ReloadDecay(LearningRate):
    """Multiply the rate by `decay` and go back to the best epoch, `most` times.

    An epoch is bad where its validation loss, minus the bound at beta = 1, is strictly worse than
    what it is compared with. Bad epochs are counted from the first, and a good one sets the count
    back to 0; from epoch `start` on, `patience` of them bring a decay.

    Args:
        decay: the factor (the authors' code: 0.5).
        patience: bad epochs that bring a decay (text: 2, images: 20).
        start: whole epochs before the first that may bring one (text: 15, images: 0).
        most: decays, the last of which ends training (5).
        compare: with the "best" epoch so far (images), or the "last" that was not bad (text);
            there, after a decay, with the bad epoch that brought it.
    """

    def __init__(
        self,
        decay: float,
        patience: int,
        start: int,
        most: int,
        compare: Literal["best", "last"],
    ) -> None:
        super().__init__()
        if not 0 < decay < 1:
            raise UserError(f"learning_rate.decay={decay}: must lie between 0 and 1")
        for name, value, least in (
            ("patience", patience, 1),
            ("start", start, 0),
            ("most", most, 1),
        ):
            if value < least:
                raise UserError(f"learning_rate.{name}={value}: must be at least {least}")
        self.decay = decay
        self.patience = patience
        self.start = start
        self.most = most
        self.compare = compare
        self.state = {"decays": 0, "bad": 0, "reference": None}

    def factor(self, epoch: int) -> float:
        """Of the decays that were, whatever the epoch."""
        return self.decay ** self.state["decays"]

    def observe(self, epoch: int, metrics: Mapping[str, float]) -> str | None:
        """Count bad epochs, and decide."""
        state, loss = self.state, -metrics["bound"]
        reference = state["reference"]
        state["reload"] = False
        if reference is None or not loss > reference:
            state["bad"] = 0
            state["reference"] = loss
            return None
        state["bad"] += 1
        if state["bad"] < self.patience or epoch < self.start:
            return None
        if self.compare == "last":
            state["reference"] = loss
        state.update(bad=0, decays=state["decays"] + 1, reload=True)
        if state["decays"] == self.most:
            state["ended"] = f"the learning rate has decayed {self.most} times"
        return (
            f"learning rate x {self.decay:g} ({state['decays']} of {self.most}); back to the best "
            "epoch's weights"
        )
