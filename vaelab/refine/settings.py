"""The settings of a refinement, and its clip."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.errors import UserError

Reduction = Literal["per_example", "batch_mean"]
InnerGrad = Literal["exact", "fd", "official", "first_order", "none"]
"""What a loss at lambda_K tells lambda_0 and theta: the exact derivative; the same by finite
differences; what the authors' code computes; lambda_0 what lambda_K gets; or nothing."""


@dataclass(frozen=True)
class Settings:
    """K steps of gradient descent with momentum on lambda, each example's mean and log-variance.

    Args:
        steps: K.
        step_size: alpha.
        momentum: gamma.
        clip: norm that the gradients of means and of log-variances are scaled down to, each; of
            each example, or of the whole batch where the reduction is its mean; null: none.
        inner_grad: how gradients go through the steps.
        inner_reduction: whether f is the sum over examples or the batch's mean.
        fd_step: how far an example moves in lambda for finite differences.
    """

    steps: int
    step_size: float
    momentum: float
    clip: float | None
    inner_grad: InnerGrad
    inner_reduction: Reduction
    fd_step: float

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise UserError(f"trainer.steps={self.steps}: must be 0 (no refinement) or more")
        if not 0 < self.step_size < math.inf:
            raise UserError(f"trainer.step_size={self.step_size}: must be above 0, and finite")
        if not 0 <= self.momentum < 1:
            raise UserError(f"trainer.momentum={self.momentum}: must be 0 or more, and below 1")
        if self.clip is not None and self.clip <= 0:
            raise UserError(f"trainer.clip={self.clip}: must be above 0, or null for none")
        if not 0 < self.fd_step < math.inf:
            raise UserError(f"trainer.fd_step={self.fd_step}: must be above 0, and finite")
        if self.inner_grad == "official" and self.inner_reduction != "batch_mean":
            raise UserError(
                "trainer.inner_grad=official cannot be used with trainer.inner_reduction="
                f"{self.inner_reduction}: the authors' code steps on the batch's mean; choose "
                "trainer.inner_reduction=batch_mean trainer.step_size=1"
            )
        if self.inner_grad == "official" and self.clip is None:
            raise UserError(
                "trainer.inner_grad=official cannot be used with trainer.clip=null: the authors' "
                "code clips; choose trainer.clip=5"
            )

    @property
    def passes(self) -> int:
        """Passes of the decoder that an example's refinement takes in training, way back included.

        Each is followed by a backward pass, and with exact by two.
        """
        return self.steps * {"exact": 2, "fd": 3, "official": 2}.get(self.inner_grad, 1)

    @property
    def dims(self) -> tuple[int, ...]:
        """The axes of [2, B, D] that are clipped together."""
        return (-1,) if self.inner_reduction == "per_example" else (-2, -1)

    def clipped(self, gradient: Float[Tensor, "2 B D"]) -> Float[Tensor, "2 B D"]:
        """The gradient, scaled down to the clip's norm where it is longer."""
        if self.clip is None:
            return gradient
        norm = torch.linalg.vector_norm(gradient, dim=self.dims, keepdim=True)
        return gradient * (self.clip / (norm + 1e-6)).clamp(max=1.0)

    def clips(self, gradient: Float[Tensor, "2 B D"]) -> Float[Tensor, ""]:
        """The share of the gradient's parts that the clip shortens."""
        if self.clip is None:
            return gradient.new_zeros(())
        norm = torch.linalg.vector_norm(gradient, dim=self.dims)
        return (norm > self.clip).to(gradient.dtype).mean()
