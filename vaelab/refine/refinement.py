"""Refining q(z|x) of each example by gradient steps, as one operation with one derivative.

Semi-Amortized Variational Autoencoders (Kim et al., 2018), 1802.02550, algorithm 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float, Integer, Num
from torch import Tensor
from torch.autograd.function import once_differentiable

from vaelab.distribution import LatentPrior
from vaelab.model import VAE
from vaelab.posterior import GaussianPosterior
from vaelab.refine.inner import Inner
from vaelab.refine.modes import Statistics, inner_passes, statistics
from vaelab.refine.official import official_backward
from vaelab.refine.reverse import backward, by_differences, exact
from vaelab.refine.settings import Settings
from vaelab.seeding import noise


@dataclass
class Track:
    """What a refinement saw on its way, detached, on the device.

    Attributes:
        path: lambda_0 .. lambda_K.
        losses: f of each example before each step, nats.
        norms: of each example's gradient of f, at each step.
        clipped: share of gradients that were clipped, at each step.
        reverse_clipped: share of the steps back whose joint clip was active (official only);
            there after the backward pass.
    """

    path: list[Float[Tensor, "2 B D"]] = field(default_factory=list)
    losses: list[Float[Tensor, "B"]] = field(default_factory=list)
    norms: list[Float[Tensor, "B"]] = field(default_factory=list)
    clipped: list[Float[Tensor, ""]] = field(default_factory=list)
    reverse_clipped: Float[Tensor, ""] | None = None


class RefinedPosterior(GaussianPosterior):
    """q at lambda_K.

    Attributes:
        start: q at lambda_0.
        settings: how it was refined.
        track: what happened between.
        amortised: whether lambda_0 is an encoder's.
    """

    def __init__(
        self,
        mean: Float[Tensor, "B D"],
        log_var: Float[Tensor, "B D"],
        start: GaussianPosterior,
        settings: Settings,
        track: Track,
        amortised: bool,
    ) -> None:
        super().__init__(mean, log_var)
        self.start = start
        self.settings = settings
        self.track = track
        self.amortised = amortised


@dataclass
class Plan:
    """A refinement of one batch: how, of what, and what it saw."""

    settings: Settings
    inner: Inner
    track: Track = field(default_factory=Track)
    kept: Statistics = field(init=False)

    def __post_init__(self) -> None:
        self.kept = statistics(self.inner.vae.decoder)

    def modes(self, *, twice: bool) -> Any:
        """The networks as inner passes want them."""
        return inner_passes(self.inner.vae.decoder, self.inner.x.device, self.kept, twice=twice)

    def descend(
        self, start: Float[Tensor, "2 B D"], shared: Sequence[Tensor] = ()
    ) -> tuple[list[Tensor], list[list[Tensor]]]:
        """lambda_0 .. lambda_K; for official also each step's clipped gradient and `shared`'s."""
        settings, track = self.settings, self.track
        path, kept = track.path, []
        path.append(start.detach())
        velocity = torch.zeros_like(path[0])
        with self.modes(twice=False), noise(start.device, self.inner.seed):
            for step in range(settings.steps):
                leaf = path[-1].detach().requires_grad_()
                losses, (gradient, *others) = self.inner.gradients(step, leaf, shared)
                clipped = settings.clipped(gradient)
                velocity = settings.momentum * velocity - clipped
                path.append(path[-1] + settings.step_size * velocity)
                if settings.inner_grad == "official":
                    kept.append([clipped, *others])
                track.losses.append(losses)
                track.norms.append(self.norm_by_example(gradient))
                track.clipped.append(settings.clips(gradient))
        return path, kept

    def norm_by_example(self, gradient: Float[Tensor, "2 B D"]) -> Float[Tensor, "B"]:
        """Of the gradient of each example's own f."""
        return self.inner.divisor * torch.linalg.vector_norm(gradient, dim=(0, 2))


class _Refine(torch.autograd.Function):
    """lambda_0 -> lambda_K; the shared tensors are arguments because they get gradients too."""

    @staticmethod
    def forward(ctx: Any, plan: Plan, start: Tensor, *shared: Tensor) -> Tensor:  # pyright: ignore
        official = plan.settings.inner_grad == "official"
        path, kept = plan.descend(start, shared if official else ())
        ctx.plan, ctx.path, ctx.kept = plan, path[:-1], kept
        return path[-1]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, bar: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore
        plan: Plan = ctx.plan
        settings, inner, shared = plan.settings, plan.inner, plan.inner.shared
        twice = settings.inner_grad == "exact"
        with plan.modes(twice=twice), noise(bar.device, inner.seed):
            if settings.inner_grad == "official":
                found, active = official_backward(settings, inner, ctx.path, ctx.kept, bar, shared)
                plan.track.reverse_clipped = active
            else:
                make = exact if twice else by_differences
                products = make(settings, inner, shared)
                found = backward(settings, products, ctx.path, bar, shared)
        return (None, *found)


def refined(
    settings: Settings,
    vae: VAE,
    x: Num[Tensor, "B *event"],
    start: GaussianPosterior,
    prior: LatentPrior,
    beta: float,
    *,
    divisor: int | None = None,
    amortised: bool = True,
) -> RefinedPosterior:
    """q(z|x) after K steps from `start`, one level.

    Where gradients are on, lambda_K has those that `settings.inner_grad` names, to lambda_0 and,
    with exact, fd and official, to whatever else f depends on.

    Args:
        settings: of the refinement.
        vae: the model.
        x: the batch.
        start: q at lambda_0.
        prior: p(z), built once for the batch.
        beta: the KL weight of f.
        divisor: what inner_reduction=batch_mean divides f's sum by; None: B.
        amortised: whether `start` is an encoder's.
    """
    if settings.steps == 0:  # a plain VAE, to the last draw
        mean, log_var = start.first.mean, start.first.log_var
        return RefinedPosterior(mean, log_var, start, settings, Track(), amortised)
    # One draw of the stream that is being used seeds all noise of the steps.
    seed = int(torch.randint(2**62, ()))
    size = 1 if settings.inner_reduction == "per_example" else divisor or len(x)
    plan = Plan(settings, Inner(vae, x, prior, beta, size, seed))
    first = torch.stack([start.first.mean, start.first.log_var])
    kind = settings.inner_grad
    if torch.is_grad_enabled() and kind in ("exact", "fd", "official"):
        last = _Refine.apply(plan, first, *plan.inner.shared)
        assert isinstance(last, Tensor)
    else:
        last = plan.descend(first)[0][-1]
        if kind == "first_order":
            last = first + (last - first.detach()).detach()
    return RefinedPosterior(last[0], last[1], start, settings, plan.track, amortised)


def refined_apart(
    settings: Settings,
    vae: VAE,
    x: Num[Tensor, "B *event"],
    start: GaussianPosterior,
    prior: LatentPrior,
    batch_size: int,
    *,
    amortised: bool = True,
) -> RefinedPosterior:
    """The same outside training, at beta = 1: as in batches of training's size, however many come.

    A step of inner_reduction=batch_mean is 1/batch_size of an example's also where fewer are
    refined, and the clip sees no more than a batch.
    """
    rows = torch.arange(len(x), device=x.device).split(batch_size)
    if settings.inner_reduction == "per_example":
        rows = [torch.arange(len(x), device=x.device)]
    parts = [
        refined(settings, vae, x[one], part(start, one), prior, 1.0, divisor=batch_size)
        for one in rows
    ]
    if len(parts) == 1:
        track = parts[0].track
    else:
        paths = zip(*(one.track.path for one in parts), strict=True)
        track = Track(path=[torch.cat(steps, 1) for steps in paths])
    mean = torch.cat([one.first.mean for one in parts])
    log_var = torch.cat([one.first.log_var for one in parts])
    return RefinedPosterior(mean, log_var, start, settings, track, amortised)


def part(q: GaussianPosterior, rows: Integer[Tensor, "b"]) -> GaussianPosterior:
    """Of some examples."""
    return GaussianPosterior(q.first.mean[rows], q.first.log_var[rows])
