"""Laws of every optimizer: it descends, leaves alone what has no gradient, and resumes exactly."""

import copy

import pytest
import torch
from torch import nn

from tests.laws.components import build, options

OPTIMIZERS = pytest.mark.parametrize("option", options("optimizer"))


def optimizer(option, parameters, **overrides):
    return build("optimizer", option, {"params": parameters}, **overrides)


def parameters():
    generator = torch.Generator().manual_seed(0)
    return [nn.Parameter(torch.randn(shape, generator=generator)) for shape in ((3, 4), (5,))]


def loss_of(params):
    return sum(((i + 1) * (p - 1).square()).sum() for i, p in enumerate(params))


def steps(opt, params, count):
    for _ in range(count):
        opt.zero_grad()
        loss_of(params).backward()
        opt.step()


@OPTIMIZERS
def test_it_finds_the_minimum_of_a_quadratic(option):
    params = parameters()
    start = float(loss_of(params).detach())
    opt = optimizer(option, params, lr=0.03)
    steps(opt, params, 500)
    assert float(loss_of(params).detach()) < 1e-2 * start


@OPTIMIZERS
def test_a_parameter_without_a_gradient_stays(option):
    params = parameters()
    before = params[1].detach().clone()
    opt = optimizer(option, params)
    loss_of(params[:1]).backward()
    opt.step()
    assert torch.equal(params[1], before)
    opt.zero_grad()
    moved = params[0].detach().clone()
    opt.step()  # and no gradient at all is no step
    assert torch.equal(params[0], moved)


@OPTIMIZERS
def test_a_gradient_of_zero_is_no_step_at_the_start(option):
    params = parameters()
    before = [p.detach().clone() for p in params]
    opt = optimizer(option, params)
    for p in params:
        p.grad = torch.zeros_like(p)
    opt.step()
    assert all(torch.equal(p, b) for p, b in zip(params, before, strict=True))


@OPTIMIZERS
def test_it_resumes_bitwise_from_its_state(option):
    params = parameters()
    opt = optimizer(option, params)
    steps(opt, params, 5)
    copies = [nn.Parameter(p.detach().clone()) for p in params]
    resumed = optimizer(option, copies)
    resumed.load_state_dict(copy.deepcopy(opt.state_dict()))
    steps(opt, params, 5)
    steps(resumed, copies, 5)
    assert all(torch.equal(p, c) for p, c in zip(params, copies, strict=True))


@OPTIMIZERS
def test_a_closure_computes_the_gradients_of_the_step(option):
    params, other = parameters(), parameters()
    with_closure, without = optimizer(option, params), optimizer(option, other)

    def closure():
        with_closure.zero_grad()
        loss = loss_of(params)
        loss.backward()
        return loss

    start = float(loss_of(params).detach())
    assert float(with_closure.step(closure).detach()) == pytest.approx(start)
    with_closure.step(closure)
    steps(without, other, 2)
    assert all(torch.equal(p, o) for p, o in zip(params, other, strict=True))
