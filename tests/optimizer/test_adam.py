"""Adam, fused, against torch's plain loop."""

import copy

import pytest
import torch
from torch import nn, optim
from torch.testing import assert_close

from vaelab.optimizer.adam import Adam


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_is_torchs_adam(weight_decay, dtype):
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(4, 5, generator=generator, dtype=dtype)
    ours, theirs = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    mine = Adam([ours], 0.01, (0.8, 0.99), 1e-4, weight_decay)
    reference = optim.Adam(
        [theirs],
        lr=0.01,
        betas=(0.8, 0.99),
        eps=1e-4,
        weight_decay=weight_decay,
        fused=False,
        foreach=False,
    )
    for _ in range(20):
        gradient = torch.randn(4, 5, generator=generator, dtype=dtype)
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        mine.step()
        reference.step()
    assert_close(ours, theirs, rtol=0, atol=1e-6 if dtype == torch.float32 else 1e-14)
    assert float((ours - start).detach().abs().min()) > 1e-3


def pairs(count):
    generator = torch.Generator().manual_seed(1)
    start = [torch.randn(3, generator=generator) for _ in range(count)]
    ours, theirs = ([nn.Parameter(s.clone()) for s in start] for _ in range(2))
    settings = {"lr": 0.01, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0}
    return ours, theirs, Adam(ours, **settings), optim.Adam(theirs, **settings, foreach=False)


def step(parameters, optimizer, gradients):
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = None if gradient is None else gradient.clone()
    optimizer.step()


def test_parameters_without_a_gradient_stay_and_may_change_from_step_to_step():
    ours, theirs, mine, reference = pairs(2)
    generator = torch.Generator().manual_seed(2)
    for present in ([1, 1], [1, 0], [0, 1], [0, 1], [0, 0], [1, 1], [1, 1]):
        gradients = [torch.randn(3, generator=generator) if there else None for there in present]
        step(ours, mine, gradients)
        step(theirs, reference, gradients)
    for a, b in zip(ours, theirs, strict=True):
        assert_close(a, b, rtol=0, atol=1e-6)


def test_a_restored_optimizer_goes_on_with_the_restored_moments():
    ours, theirs, mine, reference = pairs(1)
    generator = torch.Generator().manual_seed(3)
    first, second, third = (torch.randn(3, generator=generator) for _ in range(3))
    for parameters, optimizer in ((ours, mine), (theirs, reference)):
        step(parameters, optimizer, [first])
        step(parameters, optimizer, [first])
        kept = copy.deepcopy(optimizer.state_dict())
        step(parameters, optimizer, [second])
        optimizer.load_state_dict(kept)
        step(parameters, optimizer, [third])
    assert_close(ours, theirs, rtol=0, atol=1e-6)


def test_a_changed_learning_rate_counts_from_the_next_step():
    ours, theirs, mine, reference = pairs(1)
    for rate in (0.01, 0.01, 0.1):
        for parameters, optimizer in ((ours, mine), (theirs, reference)):
            optimizer.param_groups[0]["lr"] = rate
            step(parameters, optimizer, [torch.ones(3)])
    assert_close(ours, theirs, rtol=0, atol=1e-6)
