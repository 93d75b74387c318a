"""Draws of a trained model's gradient at fixed weights and a fixed batch: training's own path."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.batch import Batch
from vaelab.bound.base import Bound
from vaelab.dataset.base import Split
from vaelab.errors import UserError
from vaelab.evaluation.moments import GradientDraws
from vaelab.evaluation.progress import silent
from vaelab.model import VAE
from vaelab.posterior import Posterior
from vaelab.refine.refinement import RefinedPosterior
from vaelab.seeding import noise, permutation, seed_noise

ROWS = 8  # gradients whose moments are updated at once


def fixed_batch(split: Split, examples: int, seed: int, device: torch.device) -> Batch:
    """Some examples of a split, read once: binarised anew they would add noise of their own."""
    index = permutation(len(split), seed, "snr")[:examples].to(device)
    with noise(device, seed, "snr", "batch"):
        return Batch(split.to(device)[index], index)


def draw_gradients(
    vae: VAE,
    posterior: Callable[[Batch], Posterior],
    batch: Batch,
    bound: Bound,
    beta: float,
    kept: Mapping[str, GradientDraws],
    *seed: int | str,
    progress: Callable[[int], None] = silent,
) -> None:
    """Fill `kept` ("phi", "theta") with gradients of the ascent of their mean over the batch.

    The model is in training mode, whatever noise that adds (dropout) being noise of training's
    gradients; buffers and modes are as before afterwards, and no weight moves. In float32: the
    rounding of precision=bf16-mixed is not a part of it.

    Args:
        vae: the model, on the device of the batch.
        posterior: where q(z|x) comes from; asked for every draw.
        batch: fixed, its binarisation too.
        bound: whose objective is descended.
        beta: KL weight.
        kept: both groups, for the same number of draws.
        seed: of the noise.
        progress: called with the number of draws done.
    """
    device = batch.x.device
    groups = {name: part for name, part in vae.parameter_groups().items() if part}
    draws = next(iter(kept.values())).draws
    with as_in_training(vae), torch.enable_grad(), noise(device, *seed):
        for start in range(0, draws, ROWS):
            rows: dict[str, list[Tensor]] = {name: [] for name in groups}
            for draw in range(start, min(start + ROWS, draws)):
                seed_noise(device, *seed, draw)
                for name, one in gradient(vae, posterior, batch, bound, beta, groups).items():
                    rows[name].append(one)
            for name, some in rows.items():
                kept[name].add(torch.stack(some))
            progress(min(ROWS, draws - start))


def gradient(
    vae: VAE,
    posterior: Callable[[Batch], Posterior],
    batch: Batch,
    bound: Bound,
    beta: float,
    groups: Mapping[str, list[torch.nn.Parameter]],
) -> dict[str, Float[Tensor, "P"]]:
    """One draw: each group's ascent direction of its own objective, flat."""
    q = posterior(batch)
    if isinstance(q, RefinedPosterior):
        raise UserError(
            "signal-to-noise ratios are of gradients at the encoder's own posterior, which this "
            "run refines; evaluate it with trainer=joint"
        )
    if not q.gaussian:
        raise UserError(
            "signal-to-noise ratios are of gradients of an encoder's posterior, and this run's is "
            "known before training; evaluate it with trainer=joint"
        )
    terms = vae.terms(
        batch.x,
        q,
        bound.num_samples,
        log_qz=bound.log_qz,
        analytic_kl=bound.analytic_kl,
    )
    objective = bound(terms, beta)
    losses = {"phi": objective.phi_loss, "theta": objective.theta_loss}
    if objective.phi_loss is objective.theta_loss:
        together = [parameter for parameters in groups.values() for parameter in parameters]
        found = iter(torch.autograd.grad(objective.phi_loss, together, materialize_grads=True))
        each = {name: [next(found) for _ in parameters] for name, parameters in groups.items()}
    else:
        each = {
            name: torch.autograd.grad(
                losses[name], parameters, retain_graph=True, materialize_grads=True
            )
            for name, parameters in groups.items()
        }
    return {name: -torch.cat([one.flatten() for one in some]) for name, some in each.items()}


@contextmanager
def as_in_training(vae: VAE) -> Iterator[None]:
    """Training mode inside; modes, buffers and gradients as they were afterwards."""
    modes = [(module, module.training) for module in vae.modules()]
    buffers = [(buffer, buffer.clone()) for buffer in vae.buffers()]
    vae.train()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)
