"""The gradient that the authors' code of 1802.02550 computes, to the letter: not the exact one.

For comparisons with published numbers. At each step back it clips the gradient at the perturbed
point, decoder and posterior together, before it subtracts the unperturbed one, which is not
clipped so: where the joint norm is above the clip the difference is wrong by a factor of 1 / r,
and what is left after the later clips points along the plain VAE's gradient.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.refine.inner import Inner
from vaelab.refine.settings import Settings

R = 1e-5  # the code's `eps`: in float32 mostly rounding

Lambda = Float[Tensor, "2 B D"]


def official_backward(
    settings: Settings,
    inner: Inner,
    path: Sequence[Lambda],
    kept: Sequence[Sequence[Tensor]],
    bar: Lambda,
    shared: Sequence[Tensor],
) -> tuple[list[Tensor], Float[Tensor, ""]]:
    """What lambda_0 and the shared tensors get, and the share of steps with the joint clip active.

    Args:
        settings: of the refinement; its clip is used at every place the code clips.
        inner: what was descended.
        path: lambda_0 .. lambda_{K-1}.
        kept: of each step forward, the gradients of lambda (clipped) and of the shared tensors
            (not clipped).
        bar: gradient of the loss with respect to lambda_K.
        shared: the other tensors.
    """
    assert settings.clip is not None, "Settings refuses it"
    velocity, active = torch.zeros_like(bar), bar.new_zeros(())
    found = [torch.zeros_like(one) for one in shared]
    for step in reversed(range(len(path))):
        velocity = velocity + settings.step_size * bar
        moved = (path[step] + R * velocity).detach().requires_grad_()
        _, perturbed = inner.gradients(step, moved, shared)
        perturbed, norm = clip_together(perturbed, settings.clip)
        active += norm > settings.clip
        own, *others = ((a - b) / R for a, b in zip(perturbed, kept[step], strict=True))
        others, _ = clip_together(others, settings.clip)
        for total, other in zip(found, others, strict=True):
            total -= other
        (bar,), _ = clip_together([bar - own], settings.clip)
        velocity = settings.momentum * velocity
    return [bar, *found], active / max(1, len(path))


def clip_together(
    tensors: Sequence[Tensor], limit: float
) -> tuple[list[Tensor], Float[Tensor, ""]]:
    """Scaled down to a joint norm of `limit` if it is larger; and the norm before."""
    if not tensors:
        return [], torch.zeros(())
    norm = torch.stack([torch.linalg.vector_norm(one) for one in tensors]).norm()
    scale = (limit / (norm + 1e-6)).clamp(max=1.0)
    return [one * scale for one in tensors], norm
