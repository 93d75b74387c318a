"""Adam as IWAE's authors' code has it: Importance Weighted Autoencoders, 1509.00519.

Four things differ from Kingma & Ba's (section 7.1 of our notes): the gradient is the sum over the
batch, second moments start at one, eps is added to their square root before its bias is corrected,
and beta1 is 0.99. The paper itself says beta1 = 0.9 and no more.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.optimizer import ParamsT

from vaelab.errors import UserError


class IwaeAdam(Optimizer):
    """lr sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + eps), with v = 1 at the start.

    Gradients here are means over the batch, B times smaller than the authors' sums. In their m, v
    and eps that is a factor of B, B^2 and B, which m / (sqrt(v) + eps) does not see: v starts at
    1 / B^2 and eps is divided by B instead. With B = 20 the authors' 1e-4 is 5e-6 for a mean.
    t counts the steps of all parameters together, as theirs does.

    Args:
        params: parameters to optimise.
        lr: learning rate.
        betas: decay of the moments.
        eps: added to the square root of the second moment of the summed gradient.
        batch_size: B.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float,
        betas: tuple[float, float],
        eps: float,
        batch_size: int,
    ) -> None:
        if batch_size < 1:
            raise UserError(f"optimizer.batch_size={batch_size}: must be at least 1")
        self.batch_size = batch_size
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "step": 0})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step on every parameter that has a gradient; `closure`, if any, gives them."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if parameters:
                self.move(parameters, group)
        return loss

    def move(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        """Step these parameters of a group."""
        group["step"] += 1
        beta1, beta2 = group["betas"]
        moments = [self.moments(parameter) for parameter in parameters]
        step = torch.full((), float(group["step"]), device=parameters[0].device)
        # The kernel adds its eps behind the correction of sqrt(v), 1 / sqrt(1 - beta2^t): as many
        # times the eps, and the two formulas are one.
        eps = group["eps"] / self.batch_size / math.sqrt(1 - beta2 ** group["step"])
        torch._fused_adam_(  # pyright: ignore
            parameters,
            [p.grad for p in parameters if p.grad is not None],
            [first for first, _ in moments],
            [second for _, second in moments],
            [],
            [step] * len(parameters),
            lr=group["lr"],
            beta1=beta1,
            beta2=beta2,
            weight_decay=0.0,
            eps=eps,
            amsgrad=False,
            maximize=False,
        )

    def moments(self, parameter: Tensor) -> tuple[Tensor, Tensor]:
        """First and second moment of the mean gradient; made at the first step."""
        state = self.state[parameter]
        if not state:
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.full_like(parameter, self.batch_size**-2)
        return state["exp_avg"], state["exp_avg_sq"]
