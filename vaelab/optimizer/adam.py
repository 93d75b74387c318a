"""Adam: A Method for Stochastic Optimization (Kingma & Ba, 2015), 1412.6980."""

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, optim
from torch.optim.optimizer import ParamsT

Kernel = tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor]]


class Adam(optim.Adam):
    """torch's Adam, fused, without its bookkeeping at each step.

    On a CPU the fused kernel takes a third of the time of torch's default, and finding out anew
    what it needs takes half as long again; parameters that have gradients are the same at every
    step here, so it is found out once. Values are torch's own.

    Args:
        params: parameters to optimise.
        lr: learning rate.
        betas: decay of the moments.
        eps: added to the denominator.
        weight_decay: L2 penalty.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float,
        betas: tuple[float, float],
        eps: float,
        weight_decay: float,
    ) -> None:
        first, second = betas
        super().__init__(
            params, lr=lr, betas=(first, second), eps=eps, weight_decay=weight_decay, fused=True
        )
        self.known: list[Kernel] = []

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step on every parameter that has a gradient; the first one makes the moments."""
        lists = [[p for p in group["params"] if p.grad is not None] for group in self.param_groups]
        if closure is not None or not self.knows(lists):
            loss = super().step(closure)
            self.known = [self.kernel(parameters) for parameters in lists]
            return loss
        for group, (parameters, first, second, steps) in zip(
            self.param_groups, self.known, strict=True
        ):
            if not parameters:
                continue
            torch._foreach_add_(steps, 1)  # pyright: ignore[reportPrivateImportUsage]
            torch._fused_adam_(  # pyright: ignore
                parameters,
                [p.grad for p in parameters if p.grad is not None],
                first,
                second,
                [],
                steps,
                lr=group["lr"],
                beta1=group["betas"][0],
                beta2=group["betas"][1],
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                amsgrad=False,
                maximize=False,
            )
        return None

    def knows(self, lists: list[list[Tensor]]) -> bool:
        """Whether the same parameters have gradients as when the kernel's lists were made."""
        return len(lists) == len(self.known) and all(
            len(now) == len(before) and all(map(operator.is_, now, before))
            for now, (before, *_) in zip(lists, self.known, strict=True)
        )

    def kernel(self, parameters: list[Tensor]) -> Kernel:
        """What the fused kernel works on: parameters, both moments, steps made."""
        states = [self.state[p] for p in parameters]
        first, second = [s["exp_avg"] for s in states], [s["exp_avg_sq"] for s in states]
        return parameters, first, second, [s["step"] for s in states]

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the moments; what was known of the old ones is forgotten."""
        super().load_state_dict(state_dict)
        self.known = []
