"""Refinement and its derivative against unrolled steps, closed forms and finite differences."""

import weakref

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from tests.evaluation.linear_gaussian import LinearGaussian
from tests.refine.models import (
    MODELS,
    PAPERS,
    cosine,
    flat,
    gradients,
    loss_at,
    lstm,
    mlp,
    pixelcnn,
    refined_gradients,
    settings,
    start_of,
    unrolled,
    unrolled_gradients,
)
from vaelab.distribution import DiagonalGaussian
from vaelab.refine.inner import Inner
from vaelab.refine.refinement import refined
from vaelab.seeding import noise

EXACT = {"rtol": 1e-10, "atol": 1e-10}
HOW = {
    "plain": {},
    "no momentum": {"momentum": 0.0},
    "batch mean": {"inner_reduction": "batch_mean", "step_size": 1.5},
    "clipped": {"clip": 0.3},
    "batch clipped": {"inner_reduction": "batch_mean", "step_size": 1.5, "clip": 0.2},
}


@pytest.mark.parametrize("how", HOW.values(), ids=HOW)
@pytest.mark.parametrize("model", MODELS)
def test_the_recursion_is_unrolling(model, how):
    found = refined_gradients(*MODELS[model](), settings(**how))
    expected = unrolled_gradients(*MODELS[model](), settings(**how))
    assert_close(found[0], expected[0], **EXACT)
    for one, other in zip(found[1], expected[1], strict=True):
        assert_close(one, other, **EXACT)
    # The test says something only if the steps matter to the gradients.
    plain = refined_gradients(*MODELS[model](), settings(**how, inner_grad="first_order"))
    assert cosine(plain[1], expected[1]) < 0.9999
    if "clip" in how:
        assert float(torch.stack(found[2].track.clipped).mean()) > 0


@pytest.mark.parametrize("model", PAPERS)
def test_the_recursion_is_unrolling_in_the_paper_s_models(model):
    found = refined_gradients(*PAPERS[model](), settings())
    expected = unrolled_gradients(*PAPERS[model](), settings())
    for one, other in zip(found[1], expected[1], strict=True):
        assert_close(one, other, **EXACT)


@pytest.mark.parametrize(
    ("model", "prior"),
    [("mlp", "mog"), ("mlp", "vamp"), ("mlp", "vamp_data"), ("lstm", "mog"), ("lstm", "vamp_data")],
)
def test_gradients_reach_a_prior_through_the_steps(model, prior):
    found = refined_gradients(*MODELS[model](prior), settings())[1]
    expected = unrolled_gradients(*MODELS[model](prior), settings())[1]
    for one, other in zip(found, expected, strict=True):
        assert_close(one, other, **EXACT)


def test_gradients_are_finite_differences_of_the_loss():
    vae, x = mlp("vamp")
    found = refined_gradients(vae, x, settings(clip=0.3))[1]
    parameters = [p for p in vae.parameters() if p.requires_grad]
    draw = torch.Generator().manual_seed(1)
    direction = [torch.randn(p.shape, generator=draw, dtype=p.dtype) for p in parameters]
    sides = []
    for step in (1e-5, -1e-5):
        with torch.no_grad():
            for p, d in zip(parameters, direction, strict=True):
                p.add_(d, alpha=step)
        sides.append(refined_gradients(vae, x, settings(clip=0.3))[0])
        with torch.no_grad():
            for p, d in zip(parameters, direction, strict=True):
                p.sub_(d, alpha=step)
    slope = (sides[0] - sides[1]) / 2e-5
    assert_close(flat(found) @ flat(direction), slope, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("how", [{}, {"clip": 0.3}], ids=["plain", "clipped"])
@pytest.mark.parametrize("model", MODELS)
def test_differences_are_within_one_percent_in_single_precision(model, how):
    found = refined_gradients(
        *MODELS[model](dtype=torch.float32), settings(inner_grad="fd", **how)
    )[1]
    expected = refined_gradients(*MODELS[model](dtype=torch.float32), settings(**how))[1]
    first = refined_gradients(
        *MODELS[model](dtype=torch.float32), settings(inner_grad="first_order", **how)
    )[1]
    # Of what the steps add to the gradient, not only of the whole.
    added = flat(expected) - flat(first)
    assert float((flat(found) - flat(expected)).norm() / added.norm()) < 0.01


@pytest.mark.parametrize("beta", [1.0, 0.3])
def test_steps_are_those_of_the_closed_form(beta):
    """With no noise in z the linear model's f is quadratic in the mean; beta weighs the prior."""
    toy = LinearGaussian(shift=0.5, widen=1.5)
    x, start = toy.draw(4), toy.vae.encoder(toy.draw(4))
    how = settings(steps=4, step_size=0.05)

    mean, velocity = start.first.mean.detach().clone(), 0.0
    w, scale = toy.weight, 0.7
    for _ in range(4):
        gradient = beta * mean - (x - mean @ w.T) @ w / scale**2
        velocity = 0.5 * velocity - gradient
        mean = mean + 0.05 * velocity
    log_var, velocity = start.first.log_var.detach().clone(), 0.0
    for _ in range(4):  # f in the log-variance, z = mean: the KL divergence alone
        velocity = 0.5 * velocity - beta * 0.5 * (log_var.exp() - 1)
        log_var = log_var + 0.05 * velocity
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DiagonalGaussian, "rsample", lambda self, k: self.mean.expand(k, -1, -1))
        q = refined(how, toy.vae, x, start, toy.vae.prior(toy.vae.encoder), beta)
    assert_close(q.first.mean.detach(), mean, **EXACT)
    assert_close(q.first.log_var.detach(), log_var, **EXACT)


@torch.no_grad()
@pytest.mark.parametrize("training", [True, False])
def test_many_steps_reach_the_true_posterior_where_no_gradient_is_wanted(training):
    toy = LinearGaussian(shift=0.5, widen=2.0)
    x = toy.draw(50)
    how = settings(steps=400, step_size=0.01)
    toy.vae.train(training)
    torch.manual_seed(0)
    q = refined(how, toy.vae, x, toy.vae.encoder(x), toy.vae.prior(toy.vae.encoder), 1.0)
    assert not q.first.mean.requires_grad
    truth = x @ toy.slope.T
    before = float((q.start.first.mean - truth).square().mean())
    after = float((q.first.mean - truth).square().mean())
    assert after < 0.02 * before  # noise of the steps is left
    assert_close(q.first.log_var.mean(0), toy.variance.log(), rtol=0, atol=0.1)


def test_no_step_is_the_plain_vae():
    vae, x = mlp("vamp")
    loss, found, _ = refined_gradients(vae, x, settings(steps=0))
    prior = vae.prior(vae.encoder)
    expected = loss_at(vae, x, start_of(vae, x), prior, 0.7)
    assert_close(loss, expected.detach(), rtol=0, atol=0)
    for one, other in zip(found, gradients(vae, expected), strict=True):
        assert_close(one, other, rtol=0, atol=0)


def test_what_the_kinds_of_gradient_tell():
    """first_order: as if the steps were a constant; none: the encoder hears nothing."""
    vae, x = mlp()
    prior = vae.prior(vae.encoder)
    torch.manual_seed(5)
    q = refined(settings(inner_grad="first_order"), vae, x, start_of(vae, x), prior, 0.7)
    bar = torch.autograd.grad(loss_at(vae, x, q, prior, 0.7), [q.first.mean, q.first.log_var])
    torch.manual_seed(5)
    start = start_of(vae, x)
    parameters = list(vae.encoder.parameters())
    expected = torch.autograd.grad([start.first.mean, start.first.log_var], parameters, bar)
    found = refined_gradients(vae, x, settings(inner_grad="first_order"))[1]
    names = [name for name, _ in vae.named_parameters()]
    of_encoder = [g for name, g in zip(names, found, strict=True) if name.startswith("encoder")]
    for one, other in zip(of_encoder, expected, strict=True):
        assert_close(one, other, **EXACT)
    nothing = refined_gradients(vae, x, settings(inner_grad="none"))[1]
    for name, gradient in zip(names, nothing, strict=True):
        assert bool((gradient == 0).all()) == name.startswith("encoder"), name


@torch.no_grad()
def test_an_example_does_not_depend_on_the_batch_unless_asked():
    vae, x = pixelcnn()
    for reduction, alone in (("per_example", True), ("batch_mean", False)):
        how = settings(inner_reduction=reduction)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(DiagonalGaussian, "rsample", lambda self, k: self.mean.expand(k, -1, -1))
            vae.encoder.eval()
            prior = vae.prior(vae.encoder)
            whole = refined(how, vae, x, start_of(vae, x), prior, 1.0).first.mean
            part = refined(how, vae, x[:2], start_of(vae, x[:2]), prior, 1.0).first.mean
        assert torch.allclose(whole[:2], part, rtol=1e-9) == alone


def test_batch_norm_is_as_it_was():
    vae, x = pixelcnn()
    before = {k: v.clone() for k, v in vae.decoder.state_dict().items()}
    start = start_of(vae, x)
    q = refined(settings(), vae, x, start, vae.prior(vae.encoder), 1.0)
    (q.first.mean.sum() + q.first.log_var.sum()).backward()
    for name, value in vae.decoder.state_dict().items():
        assert_close(value, before[name], rtol=0, atol=0)
    assert all(m.training for m in vae.decoder.modules() if isinstance(m, nn.BatchNorm2d))


def test_noise_goes_on_as_if_there_had_been_one_draw():
    vae, x = lstm()
    torch.manual_seed(3)
    torch.randint(2**62, ())
    expected = torch.randn(4)
    torch.manual_seed(3)
    q = refined(settings(), vae, x, start_of(vae, x), vae.prior(vae.encoder), 1.0)
    assert_close(torch.randn(4), expected, rtol=0, atol=0)
    (q.first.mean.sum() + q.first.log_var.sum()).backward()
    torch.manual_seed(3)
    again = refined(settings(), vae, x, start_of(vae, x), vae.prior(vae.encoder), 1.0)
    assert_close(again.first.mean, q.first.mean, rtol=0, atol=0)


def alive(steps, kind):
    """Bytes that wait for the backward pass, parameters and inputs left out."""
    vae, x = lstm()
    held = weakref.WeakSet()
    start, prior = start_of(vae, x), vae.prior(vae.encoder)

    class Held:
        def __init__(self, tensor):
            self.tensor = tensor
            held.add(self)

    with torch.autograd.graph.saved_tensors_hooks(Held, lambda one: one.tensor):
        if kind == "unrolled":
            q = unrolled(vae, x, settings(steps=steps), start, prior)
        else:
            q = refined(settings(steps=steps, inner_grad=kind), vae, x, start, prior, 1.0)
    bytes_held = sum(one.tensor.numel() * one.tensor.element_size() for one in held)
    del q
    return bytes_held


@pytest.mark.parametrize(("kind", "grows"), [("exact", False), ("fd", False), ("unrolled", True)])
def test_memory_does_not_grow_with_the_steps(kind, grows):
    fewer, more = alive(2, kind), alive(8, kind)
    if grows:  # or the test could not see it
        assert more > 2 * fewer
    else:
        assert more == fewer


@pytest.mark.parametrize("beta", [1.0, 0.3])
@pytest.mark.parametrize("prior", ["standard", "mog", "vamp"])
def test_f_is_minus_the_elbo_at_the_run_s_beta(prior, beta):
    vae, x = mlp(prior)
    start, density = start_of(vae, x), vae.prior(vae.encoder)
    parameters = torch.stack([start.first.mean, start.first.log_var])
    with noise(torch.device("cpu"), 0):
        found = Inner(vae, x, density, beta, 1, seed=9).losses(4, parameters)
    with noise(torch.device("cpu"), 9, 4):
        terms = vae.terms(x, start, 1, prior=density, analytic_kl=prior == "standard")
    kl = terms.kl.sum(-1) if prior == "standard" else (terms.log_qz - terms.log_pz)[0]
    assert_close(found, beta * kl - terms.log_px[0], **EXACT)


def test_a_step_that_goes_nowhere_changes_no_gradient():
    vae, x = mlp()
    still = refined_gradients(vae, x, settings(step_size=1e-30))
    plain = refined_gradients(vae, x, settings(step_size=1e-30, inner_grad="first_order"))
    for one, other in zip(still[1], plain[1], strict=True):
        assert_close(one, other, **EXACT)


def test_what_is_tracked():
    vae, x = mlp()
    how = settings(steps=4, clip=0.3)
    torch.manual_seed(0)
    track = refined(how, vae, x, start_of(vae, x), vae.prior(vae.encoder), 1.0).track
    assert [len(one) for one in (track.losses, track.norms, track.clipped)] == [4, 4, 4]
    assert track.losses[0].shape == track.norms[0].shape == (5,)
    torch.manual_seed(0)
    means = settings(steps=4, clip=0.3 / 5, inner_reduction="batch_mean", step_size=1.0)
    other = refined(means, vae, x, start_of(vae, x), vae.prior(vae.encoder), 1.0).track
    assert_close(track.norms[0], other.norms[0])  # of an example's own f in either
