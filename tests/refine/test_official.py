"""What the authors' code computes: exact where nothing is clipped, and its defect where all is."""

import pytest
import torch
from torch.testing import assert_close

from tests.refine.models import cosine, flat, loss_at, lstm, settings, start_of
from vaelab.errors import UserError
from vaelab.posterior import GaussianPosterior
from vaelab.refine.inner import Inner
from vaelab.refine.refinement import refined
from vaelab.seeding import noise

HOW = {"steps": 5, "step_size": 1.0, "inner_reduction": "batch_mean"}
BETA = 0.7


def problem():
    vae, x = lstm(dropout=0.3)
    q = start_of(vae, x)
    return vae, x, [one.detach().requires_grad_() for one in (q.first.mean, q.first.log_var)]


def bars(how):
    """Gradients of the loss with respect to lambda_0 and the decoder; and the posterior."""
    vae, x, start = problem()
    prior = vae.prior(vae.encoder)
    torch.manual_seed(1)
    q = refined(how, vae, x, GaussianPosterior(*start), prior, BETA)
    loss = loss_at(vae, x, q, prior, BETA)
    found = torch.autograd.grad(loss, [*start, *vae.decoder.parameters()])
    return found[:2], found[2:], q


def norms(how):
    """Of the gradients of f before each step: of lambda's parts, and of all together."""
    vae, x, start = problem()
    prior = vae.prior(vae.encoder)
    torch.manual_seed(1)
    inner = Inner(vae, x, prior, BETA, len(x), int(torch.randint(2**62, ())))
    now, velocity, parts, joint, all_theta = torch.stack(start).detach(), 0.0, [], [], []
    for step in range(how.steps):
        with noise(torch.device("cpu"), 0):
            _, (own, *theta) = inner.gradients(step, now.requires_grad_(), inner.shared)
        parts.append(own.flatten(1).norm(dim=1).max())
        joint.append(flat([own, *theta]).norm())
        all_theta.append(theta)
        if step == 0:
            first = own
        velocity = how.momentum * velocity - own
        now = (now + how.step_size * velocity).detach()
    return float(max(parts)), float(min(joint)), first, all_theta


def test_it_is_exact_where_nothing_is_clipped():
    official, theta, q = bars(settings(inner_grad="official", clip=1e9, **HOW))
    exact, exact_theta, _ = bars(settings(**HOW))
    assert float(q.track.reverse_clipped) == 0
    for one, other in zip([*official, *theta], [*exact, *exact_theta], strict=True):
        assert_close(one, other, rtol=1e-3, atol=1e-5)
    assert cosine(official, exact) > 0.999999


def test_the_encoder_gets_the_plain_gradient_where_every_step_is_clipped():
    largest, least, plain, all_theta = norms(settings(**HOW))
    clip = (largest + least) / 2
    assert 1.5 * largest < least, "the forward clip must not act where the joint one does"
    official, theta, q = bars(settings(inner_grad="official", clip=clip, **HOW))
    exact, exact_theta, _ = bars(settings(**HOW))
    assert float(q.track.reverse_clipped) == 1
    assert float(torch.stack(q.track.clipped).max()) == 0
    assert cosine(official, list(plain)) > 0.999
    assert cosine(exact, list(plain)) < 0.99
    assert float(flat(official).norm()) == pytest.approx(clip, rel=1e-3)
    # The decoder gets a sum of normalised gradients along the way.
    added = [a - b for a, b in zip(theta, exact_theta, strict=True)]
    summed = [sum(clip * g[i] / flat(g).norm() for g in all_theta) for i in range(len(theta))]
    assert cosine(added, summed) > 0.99


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"inner_reduction": "per_example"}, "choose trainer.inner_reduction=batch_mean"),
        ({"clip": None}, "choose trainer.clip=5"),
    ],
)
def test_settings_that_are_not_the_code_are_refused(changed, words):
    with pytest.raises(UserError, match=words):
        settings(**{**HOW, "inner_grad": "official", "clip": 5.0, **changed})


@pytest.mark.parametrize(
    ("name", "value"),
    [("steps", -1), ("step_size", 0), ("momentum", 1), ("clip", 0), ("fd_step", 0)],
)
def test_numbers_that_mean_nothing_are_refused(name, value):
    with pytest.raises(UserError, match=rf"^trainer\.{name}={value}: must be"):
        settings(**{name: value})
