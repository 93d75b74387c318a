"""Gradients through K refinement steps, last step first, in memory that does not grow with K.

The recursion of Semi-Amortized Variational Autoencoders (Kim et al., 2018), 1802.02550,
algorithm 1: with u' = gamma u - c(grad f(lambda)) and lambda' = lambda + alpha u',

    ubar = ubar + alpha lambdabar
    lambdabar = lambdabar - (H ubar),  thetabar = thetabar - (H_theta ubar)
    ubar = gamma ubar

where H holds second derivatives of f (and the derivative of the clip c). `exact` takes them by
differentiating the step's gradient, `by_differences` from gradients on both sides of lambda.
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.refine.inner import Inner
from vaelab.refine.settings import Settings

Lambda = Float[Tensor, "2 B D"]
Products = Callable[[int, Lambda, Lambda], list[Tensor]]
"""Of a step, where it was taken and a direction: H and H_theta times the direction."""


def exact(settings: Settings, inner: Inner, shared: Sequence[Tensor]) -> Products:
    """Products by differentiating a step's gradient once more: right to rounding."""

    def products(step: int, parameters: Lambda, direction: Lambda) -> list[Tensor]:
        parameters = parameters.detach().requires_grad_()
        with torch.enable_grad():
            _, (gradient, *_) = inner.gradients(step, parameters, twice=True)
            inputs = [parameters, *shared]
            if not gradient.requires_grad:  # f is linear
                return [torch.zeros_like(one) for one in inputs]
            clipped = settings.clipped(gradient)
            found = torch.autograd.grad(clipped, inputs, direction, allow_unused=True)
        return [
            torch.zeros_like(one) if g is None else g for one, g in zip(inputs, found, strict=True)
        ]

    return products


def by_differences(settings: Settings, inner: Inner, shared: Sequence[Tensor]) -> Products:
    """Products from central differences, whose step is `fd_step` for an average example.

    An example moves by fd_step in lambda, root mean square, whatever the size of the direction: a
    fixed multiple of it, as the authors', is lost in rounding where the direction is small.
    """

    def products(step: int, parameters: Lambda, direction: Lambda) -> list[Tensor]:
        if settings.clip is not None:
            direction = through_clip(settings, inner, step, parameters, direction)
        size = direction.square().sum((0, 2)).mean().sqrt()
        r = settings.fd_step / size.clamp(min=1e-12)
        sides = []
        for side in (parameters + r * direction, parameters - r * direction):
            _, found = inner.gradients(step, side.detach().requires_grad_(), shared)
            sides.append(found)
        return [(above - below) / (2 * r) for above, below in zip(*sides, strict=True)]

    return products


def through_clip(
    settings: Settings, inner: Inner, step: int, parameters: Lambda, direction: Lambda
) -> Lambda:
    """The direction times the derivative of the clip at the step's gradient."""
    _, (gradient, *_) = inner.gradients(step, parameters.detach().requires_grad_())
    with torch.enable_grad():
        gradient = gradient.detach().requires_grad_()
        (found,) = torch.autograd.grad(settings.clipped(gradient), gradient, direction)
    return found


def backward(
    settings: Settings,
    products: Products,
    path: Sequence[Lambda],
    bar: Lambda,
    shared: Sequence[Tensor],
) -> list[Tensor]:
    """What lambda_0 and the shared tensors get from the gradient of lambda_K.

    Args:
        settings: of the refinement.
        products: H times a direction.
        path: lambda_0 .. lambda_{K-1}.
        bar: gradient of the loss with respect to lambda_K.
        shared: the other tensors.
    """
    velocity = torch.zeros_like(bar)
    found = [torch.zeros_like(one) for one in shared]
    for step in reversed(range(len(path))):
        velocity = velocity + settings.step_size * bar
        own, *others = products(step, path[step], velocity)
        bar = bar - own
        for total, other in zip(found, others, strict=True):
            total -= other
        velocity = settings.momentum * velocity
    return [bar, *found]
