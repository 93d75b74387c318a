"""What one descent saw, for the epoch's means and for whoever watches the loss."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.bound.base import Objective
from vaelab.model import Terms


@dataclass(frozen=True)
class Descent:
    """What one descent saw, detached; nats.

    Attributes:
        value: the bound at beta = 1 of each example.
        phi_value: the encoder's bound at beta = 1, where that is another.
        log_px: reconstruction term of each example, mean over K.
        kl: sampled log q(z|x) - log p(z) of each example, mean over K.
        loss: what the encoder's descent lowers, at the present beta, mean over the batch: minus
            the bound where its gradient is that of a surrogate.
    """

    value: Float[Tensor, "B"]
    log_px: Float[Tensor, "B"]
    kl: Float[Tensor, "B"]
    loss: Float[Tensor, ""]
    phi_value: Float[Tensor, "B"] | None = None

    @property
    def columns(self) -> Float[Tensor, "C B"]:
        """What is averaged over an epoch: value, log_px, kl and, if there is one, phi_value."""
        columns = [self.value, self.log_px, self.kl]
        return torch.stack(columns if self.phi_value is None else [*columns, self.phi_value])


def describe(objective: Objective, terms: Terms, share: float) -> Descent:
    """What a descent saw, with no graph."""
    with torch.no_grad():
        return Descent(
            value=objective.value,
            log_px=terms.log_px.mean(0),
            kl=(terms.log_qz - terms.log_pz).mean(0),
            loss=objective.loss * share,
            phi_value=objective.phi_value,
        )


def merge(parts: list[Descent]) -> Descent:
    """The descent of a batch from those of its micro-batches."""
    phi_values = [p.phi_value for p in parts if p.phi_value is not None]
    return Descent(
        value=torch.cat([p.value for p in parts]),
        log_px=torch.cat([p.log_px for p in parts]),
        kl=torch.cat([p.kl for p in parts]),
        loss=torch.stack([p.loss for p in parts]).sum(),
        phi_value=None if not phi_values else torch.cat(phi_values),
    )
