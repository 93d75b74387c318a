"""Adam on gradients normalised by tensor, as VampPrior's experiments use (1705.07120, section 5).

g / (||g||_2 + 1e-7) for each parameter tensor, then ordinary Adam. The authors' Adam adds eps
before the bias correction of the second moment, torch's after; with eps 1e-8 the two agree to
far below what float32 resolves.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from vaelab.optimizer.adam import Adam

EPSILON = 1e-7  # keeps a gradient of zero at zero; the authors' value


def normalise(gradients: list[Tensor]) -> None:
    """Divide each gradient by its Euclidean norm plus 1e-7, in place."""
    if not gradients:
        return
    # The foreach functions are torch's own way to treat many tensors in few kernels.
    norms = torch._foreach_norm(gradients)  # pyright: ignore[reportPrivateImportUsage]
    torch._foreach_add_(norms, EPSILON)  # pyright: ignore[reportPrivateImportUsage]
    torch._foreach_div_(gradients, norms)  # pyright: ignore[reportPrivateImportUsage]


class NormalisedAdam(Adam):
    """Adam whose input is the gradient's direction in each tensor; its arguments are Adam's."""

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Normalise every gradient in place, then step; `closure`, if any, gives the gradients."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        gradients = [p.grad for group in self.param_groups for p in group["params"]]
        normalise([g for g in gradients if g is not None])
        super().step()
        return loss
