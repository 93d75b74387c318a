"""Exact relations between the bounds, on the same log-weights, over random M and K.

Numbers 1 to 6 and 9 of section 2.1 of our notes. Values by loops over plain Python numbers.
"""

import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from vaelab.bound.ciwae import Ciwae
from vaelab.bound.dreg import Dreg
from vaelab.bound.elbo import Elbo
from vaelab.bound.iwae import Iwae
from vaelab.bound.miwae import Miwae
from vaelab.bound.piwae import Piwae
from vaelab.bound.rws import Rws
from vaelab.bound.stl import Stl
from vaelab.model import Terms

COUNTS = st.integers(1, 6)
BETAS = st.sampled_from([1.0, 0.0, 0.3])
SEEDS = st.integers(0, 2**31)
F64 = torch.float64
settings.register_profile("relations", deadline=None, max_examples=50)
settings.load_profile("relations")


def elbo(samples):
    return Elbo(num_samples=samples, kl="sampled", free_bits=0.0, log_qz="total")


def terms(total, batch=3, seed=0, scale=3.0, dtype=F64):
    """Random log-densities near those of MNIST; leaves, so that a loss has a gradient to each."""
    g = torch.Generator().manual_seed(seed)
    parts = [
        (scale * torch.randn(total, batch, generator=g, dtype=F64) + shift).to(dtype)
        for shift in (-90, -40, -20)
    ]
    return Terms((torch.zeros(total, batch, 2),), *(p.requires_grad_() for p in parts))


def gradients(loss, t):
    """To log_px, log_pz and log_qz."""
    return torch.autograd.grad(
        loss, [t.log_px, t.log_pz, t.log_qz], retain_graph=True, materialize_grads=True
    )


def assert_same(one, other, t, beta):
    """Values and the gradients of both groups, of two bounds on the same terms."""
    a, b = one(t, beta), other(t, beta)
    assert_close(a.value, b.value)
    for group in ("phi_loss", "theta_loss"):
        assert_close(gradients(getattr(a, group), t), gradients(getattr(b, group), t))


def by_hand(t, groups):
    """Mean over groups of log-mean-exp of Python numbers, [B]."""
    log_w = (t.log_px + t.log_pz - t.log_qz).T.tolist()
    values = []
    for row in log_w:
        size = len(row) // groups
        parts = [row[m * size : (m + 1) * size] for m in range(groups)]
        top = [max(part) for part in parts]
        sums = [
            c + math.log(sum(math.exp(one - c) for one in part) / size)
            for c, part in zip(top, parts, strict=True)
        ]
        values.append(sum(sums) / groups)
    return torch.tensor(values, dtype=F64)


@given(M=COUNTS, K=COUNTS, seed=SEEDS)
def test_values_by_hand(M, K, seed):
    t = terms(M * K, seed=seed)
    grouped, whole, flat = by_hand(t, M), by_hand(t, 1), by_hand(t, M * K)
    assert_close(elbo(M * K)(t, 1.0).value, flat)
    assert_close(Iwae(M * K)(t, 1.0).value, whole)
    piwae = Piwae(M, K)(t, 1.0)
    assert_close(piwae.value, whole)
    assert_close(piwae.phi_value, grouped)
    for bound in (Miwae(M, K), Dreg(M, K), Stl(M, K)):
        assert_close(bound(t, 1.0).value, grouped)
    if K > 1:
        assert_close(Rws(M, K)(t, 1.0).value, grouped)
    assert_close(Ciwae(M * K, 0.3)(t, 1.0).value, 0.3 * flat + 0.7 * whole)


@given(M=COUNTS, K=COUNTS, beta=BETAS, seed=SEEDS)
def test_bounds_that_are_one(M, K, beta, seed):
    t = terms(M * K, seed=seed)
    assert_same(Miwae(1, M * K), Iwae(M * K), t, beta)
    assert_same(Miwae(M * K, 1), elbo(M * K), t, beta)
    assert_same(Piwae(1, M * K), Iwae(M * K), t, beta)
    assert_same(Ciwae(M * K, 1.0), elbo(M * K), t, beta)
    assert_same(Ciwae(M * K, 0.0), Iwae(M * K), t, beta)
    one = terms(1, seed=seed)
    assert_same(Iwae(1), elbo(1), one, beta)


@given(M=COUNTS, K=COUNTS, beta=BETAS, seed=SEEDS)
def test_piwae_gives_each_group_the_gradient_of_its_own_bound(M, K, beta, seed):
    t = terms(M * K, seed=seed)
    piwae = Piwae(M, K)(t, beta)
    iwae, miwae = Iwae(M * K)(t, beta), Miwae(M, K)(t, beta)
    assert_close(gradients(piwae.theta_loss, t), gradients(iwae.theta_loss, t), rtol=0, atol=0)
    assert_close(gradients(piwae.phi_loss, t), gradients(miwae.phi_loss, t), rtol=0, atol=0)
    assume(M > 1 and K > 1)
    apart = gradients(piwae.phi_loss, t)[0] - gradients(piwae.theta_loss, t)[0]
    assert float(apart.abs().max()) > 1e-6


@given(M=COUNTS, K=COUNTS, seed=SEEDS)
def test_swapping_m_and_k_is_another_bound(M, K, seed):
    assume(M != K)
    t = terms(M * K, seed=seed)
    assert not torch.allclose(Miwae(M, K)(t, 1.0).value, Miwae(K, M)(t, 1.0).value)


@given(M=COUNTS, K=COUNTS, seed=SEEDS)
def test_order_on_any_weights(M, K, seed):
    t = terms(M * K, seed=seed)
    lowest, top = elbo(M * K)(t, 1.0).value, t.log_w().max(0).values
    miwae, iwae = Miwae(M, K)(t, 1.0).value, Iwae(M * K)(t, 1.0).value
    ciwae = Ciwae(M * K, 0.4)(t, 1.0).value
    eps = 1e-12
    for low, high in ((lowest, miwae), (miwae, iwae), (iwae, top), (lowest, ciwae), (ciwae, iwae)):
        assert bool((low <= high + eps).all())
    if M % 2 == 0:  # merging groups never lowers the value
        assert bool((miwae <= Miwae(M // 2, 2 * K)(t, 1.0).value + eps).all())


def every(M, K):
    """One bound of each kind with M * K samples."""
    bounds = [elbo(M * K), Iwae(M * K), Miwae(M, K), Piwae(M, K), Ciwae(M * K, 0.3)]
    return [*bounds, Dreg(M, K), Stl(M, K), *([Rws(M, K)] if K > 1 else [])]


def losses(objective):
    return objective.phi_loss, objective.theta_loss


@given(M=COUNTS, K=COUNTS, shift=st.sampled_from([1e4, -1e4, -543.0]), seed=SEEDS)
def test_a_shift_moves_every_value_and_no_gradient(M, K, shift, seed):
    t = terms(M * K, seed=seed)
    moved = Terms(t.z, (t.log_px + shift).detach().requires_grad_(), t.log_pz, t.log_qz)
    for bound in every(M, K):
        before, after = bound(t, 1.0), bound(moved, 1.0)
        assert_close(after.value, before.value + shift)
        for one, other in zip(losses(before), losses(after), strict=True):
            assert_close(gradients(one, t), gradients(other, moved), rtol=1e-6, atol=1e-9)


@given(M=st.integers(2, 5), K=st.integers(2, 5), seed=SEEDS)
def test_order_within_groups_and_of_groups_is_nothing(M, K, seed):
    t = terms(M * K, seed=seed)
    g = torch.Generator().manual_seed(seed)
    inside = torch.stack([torch.randperm(K, generator=g) + m * K for m in range(M)])
    order = inside[torch.randperm(M, generator=g)].flatten()
    other = Terms(t.z, t.log_px[order], t.log_pz[order], t.log_qz[order])
    for bound in every(M, K):
        assert_close(bound(other, 1.0).value, bound(t, 1.0).value)
        # The surrogates' numbers too: they are sums over the same samples.
        for one, two in zip(losses(bound(t, 1.0)), losses(bound(other, 1.0)), strict=True):
            assert_close(one, two)


@given(M=COUNTS, K=COUNTS, beta=BETAS, seed=SEEDS)
def test_gradients_are_those_of_the_explicit_weights(M, K, beta, seed):
    t = terms(M * K, seed=seed)
    log_w = t.log_w(beta).detach().unflatten(0, (M, K))
    weights = (log_w.softmax(1) / M).flatten(0, 1)  # d MIWAE / d log w
    for bound in (Miwae(M, K), Dreg(M, K), Stl(M, K)):
        of_px, of_pz, of_qz = gradients(-bound(t, beta).theta_loss * 3, t)
        assert_close(of_px, weights)
        assert_close(of_pz, beta * weights)
        assert_close(of_qz, -beta * weights)


@given(beta=BETAS, weight=st.floats(0, 1), seed=SEEDS)
def test_ciwae_is_affine_in_its_weight(beta, weight, seed):
    t = terms(6, seed=seed)
    bounds = [Ciwae(6, b)(t, beta) for b in (0.0, 1.0, weight)]
    iwae, vae, mixed = (gradients(b.phi_loss, t) for b in bounds)
    for i, v, m in zip(iwae, vae, mixed, strict=True):
        assert_close(m, weight * v + (1 - weight) * i)


@given(M=COUNTS, K=st.integers(2, 6), beta=BETAS, seed=SEEDS)
def test_what_is_logged_is_the_bound_and_never_the_surrogate(M, K, beta, seed):
    t = terms(M * K, seed=seed)
    log_w = t.log_w().detach().unflatten(0, (M, K))
    surrogate = (log_w.softmax(1) * log_w).sum(1).mean(0)  # >= the bound, always
    at_beta = -Miwae(M, K)(t, beta).phi_loss.detach()
    for bound in (Dreg(M, K), Stl(M, K), Rws(M, K)):
        objective = bound(t, beta)
        assert_close(objective.value, by_hand(t, M))
        assert bool((objective.value <= surrogate + 1e-9).all())
        assert_close(objective.loss, -at_beta)
        assert not objective.loss.requires_grad


def test_rws_weighs_log_q_of_fixed_samples_at_beta_one():
    t = terms(6)
    weights = t.log_w().detach().unflatten(0, (2, 3)).softmax(1).flatten(0, 1)
    for beta in (1.0, 0.2):
        of_px, of_qz = torch.autograd.grad(
            -Rws(2, 3)(t, beta).phi_loss * 3 * 2, [t.log_px, t.log_qz], allow_unused=True
        )
        assert of_px is None
        assert_close(of_qz, weights)


@pytest.mark.parametrize("bound", every(2, 3)[1:], ids=lambda b: type(b).__name__)
def test_one_impossible_sample_leaves_the_value_finite(bound):
    t = terms(6)
    with torch.no_grad():
        t.log_px[4, 1] = -math.inf
    value = bound(t, 1.0).value
    if isinstance(bound, Ciwae):  # its ELBO is minus infinity, and so is it
        assert value.isinf().tolist() == [False, True, False]
    else:
        assert bool(value.isfinite().all())


def test_float32_keeps_the_digits_of_large_log_densities():
    t = terms(24, dtype=torch.float32)
    exact = Terms(t.z, t.log_px.double(), t.log_pz.double(), t.log_qz.double())
    for ours, true in zip(every(4, 6), every(4, 6), strict=True):
        assert_close(ours(t, 1.0).value.double(), true(exact, 1.0).value, rtol=2e-6, atol=0)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Iwae(0), "bound.K=0: must be at least 1"),
        (lambda: Miwae(0, 3), "bound.M=0: must be at least 1"),
        (lambda: Piwae(2, -1), "bound.K=-1: must be at least 1"),
        (lambda: Ciwae(3, 1.5), "bound.elbo_weight=1.5: must lie between 0 and 1"),
        (lambda: Rws(1, 1), "bound.K=1: with one sample .* bound.K=2 or more"),
    ],
)
def test_refusals(make, words):
    from vaelab.errors import UserError

    with pytest.raises(UserError, match=words):
        make()
