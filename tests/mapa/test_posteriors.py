"""q(z|x) of cells and of mixtures: densities, bounds and gradients against integrals."""

import math

import numpy as np
import pytest
import torch

from mapa.dense import circle, sparse
from mapa.line import Wave, nodes
from vaelab.bound.elbo import Elbo
from vaelab.bound.iwae import Iwae
from vaelab.distribution import StandardNormal
from vaelab.mapa.cells import Cells
from vaelab.mapa.kernel import of_themselves
from vaelab.mapa.layout import Layout
from vaelab.mapa.neighbours import Neighbours
from vaelab.mapa.posteriors import CellPosterior, MixturePosterior
from vaelab.model import Terms

SIZE = 24


def index_posterior(count=SIZE, seed=0):
    """Over points of the circle, `count` neighbours kept; their x too."""
    x = circle(SIZE, seed=seed)[0]
    near = of_themselves(Neighbours(x), count, "include", 1.0)
    return near.rows(torch.tensor(0.1, dtype=torch.float64)), x.double()


def of_cells(rows, which=None, seed=0):
    """With any layout, for each example or those of `which`, [B]."""
    place = torch.randperm(rows.size, generator=torch.Generator().manual_seed(seed))
    which = torch.arange(len(rows)) if which is None else which
    return CellPosterior(rows, which, Layout(Cells(rows.size, 1), place)), place


def equation_5(q, place, x, decoder):
    """L_n by its sum over cells, [N]."""
    z, mass = nodes(len(q))
    log_px = decoder.log_px(x[:, None, None], z[..., None])  # [n, cell, node]
    of_cell = (log_px * mass).sum(-1) * len(q)
    divergence = (q * np.log(np.where(q > 0, q * len(q), 1))).sum(1)
    return (torch.from_numpy(q) * of_cell[:, place]).sum(1) - torch.from_numpy(divergence)


def mixture(rows, seed=0):
    """Codes at random, some narrow, some wide."""
    numbers = torch.Generator().manual_seed(seed)
    mean = torch.randn(rows.size, 1, dtype=torch.float64, generator=numbers)
    log_var = -3 + torch.randn(rows.size, 1, dtype=torch.float64, generator=numbers)
    mean, log_var = mean.requires_grad_(), log_var.requires_grad_()
    return MixturePosterior(rows, torch.arange(len(rows)), mean, log_var)


def integrated(q, z, mass, decoder, x):
    """Mass of q(z|x), and its ELBO, both [B], by integration over nodes z with prior masses."""
    log_q = q.log_prob((z[:, None, None].expand(-1, len(x), 1),))
    log_pz = StandardNormal(1, z).log_prob(z[:, None])[:, None]
    ratio = mass[:, None] * (log_q - log_pz).exp()  # q(z|x) dz
    inner = decoder.log_px(x, z[:, None, None]) + log_pz - log_q
    return ratio.sum(0), torch.where(ratio > 0, ratio * inner, 0).sum(0)


def test_the_bound_of_the_density_is_the_sum_over_cells_and_its_gap_a_divergence():
    numbers = np.random.default_rng(0)
    dense = numbers.random((5, 5)) * (numbers.random((5, 5)) < 0.7) + 0.01 * np.eye(5)
    dense /= dense.sum(1, keepdims=True)
    x = torch.from_numpy(numbers.standard_normal((5, 2)))
    q, place = of_cells(sparse(dense))
    decoder = Wave(0)
    z, mass = (one.flatten() for one in nodes(5))
    total, bound = integrated(q, z, mass, decoder, x)
    torch.testing.assert_close(total, torch.ones(5).double(), rtol=0, atol=1e-9)
    expected = equation_5(dense, place, x, decoder)
    torch.testing.assert_close(bound, expected, rtol=0, atol=1e-6)
    # The gap: KL(q(z|x) || p(z|x)), p(z|x) by Bayes' rule.
    log_px = decoder.log_marginal(x)
    log_q = q.log_prob((z[:, None, None].expand(-1, 5, 1),))
    log_pz = StandardNormal(1, z).log_prob(z[:, None])[:, None]
    log_posterior = decoder.log_px(x, z[:, None, None]) + log_pz - log_px
    weight = mass[:, None] * (log_q - log_pz).exp()
    gap = torch.where(weight > 0, weight * (log_q - log_posterior), 0).sum(0)
    torch.testing.assert_close(log_px - expected, gap, rtol=0, atol=1e-6)
    assert bool((gap > 0.01).all())


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("count", [SIZE, 5])
def test_the_bound_is_never_above_the_likelihood(seed, count):
    rows, x = index_posterior(count, seed)
    _, place = of_cells(rows, seed=seed)
    decoder = Wave(seed, scale=0.2)
    bound = equation_5(rows.dense().numpy(), place, x, decoder)
    assert bool((bound <= decoder.log_marginal(x)).all())


def estimates(q, x, decoder, bound):
    """The bound of each example, [B]."""
    (z,) = q.rsample(bound.num_samples)
    log_px = decoder.log_px(x, z.double())
    terms = Terms((z,), log_px, StandardNormal(1, z).log_prob(z), q.log_prob((z,)))
    return bound(terms, 1.0).value.double()


def test_draws_give_the_bound_that_rises_with_their_number_to_the_likelihood():
    torch.manual_seed(0)
    rows, x = index_posterior(8)
    repeats = 600
    which = torch.arange(SIZE).repeat(repeats)
    q, place = of_cells(rows, which)
    decoder = Wave(1)
    expected = equation_5(rows.dense().numpy(), place, x, decoder)

    def mean_and_error(bound):
        values = estimates(q, x[which], decoder, bound).view(repeats, SIZE)
        of_all = values.mean(1)
        return values, float(of_all.mean()), float(of_all.std()) / repeats**0.5

    values, one, error = mean_and_error(Elbo(1, "sampled", 0.0, "total"))
    assert one == pytest.approx(float(expected.mean()), abs=4 * error)
    errors = values.std(0) / repeats**0.5
    assert bool(((values.mean(0) - expected).abs() < 4.5 * errors).all())
    last, last_error = one, error
    for count in (5, 25):
        _, value, error = mean_and_error(Iwae(count))
        assert value - last > 4 * (error + last_error), count
        last, last_error = value, error
    assert last + 4 * last_error < float(decoder.log_marginal(x).mean())


def test_a_draw_has_the_density_of_the_place_it_is_found_at():
    torch.manual_seed(0)
    place = torch.randperm(SIZE)
    q = CellPosterior(index_posterior(6)[0], torch.arange(SIZE), Layout(Cells(SIZE, 2), place))
    z = q.rsample(50)
    assert z[0].shape == (50, SIZE, 2)
    drawn = q.log_prob(z)
    assert bool(drawn.isfinite().all())
    torch.testing.assert_close(q.log_prob((z[0].clone(),)), drawn)
    # Where q has no mass the density is 0.
    everywhere = q.log_prob((Layout(Cells(SIZE, 2), place).sample(
        torch.arange(SIZE)[:, None].expand(SIZE, SIZE)),))  # fmt: skip
    assert torch.equal(everywhere.isfinite().T, q.rows.dense() > 0)


def test_means_and_variances_are_integrals():
    rows, _ = index_posterior(6)
    z, mass = (one.flatten() for one in nodes(SIZE))
    wide, wide_mass = (one.flatten() for one in nodes(1, panels=400))
    for q, at, of in ((of_cells(rows)[0], z, mass), (mixture(rows), wide, wide_mass)):
        log_q = q.log_prob((at[:, None, None].expand(-1, SIZE, 1),)).detach()
        log_pz = StandardNormal(1, at).log_prob(at[:, None])[:, None]
        weight = of[:, None] * (log_q - log_pz).exp()
        torch.testing.assert_close(weight.sum(0), torch.ones(SIZE).double(), rtol=0, atol=1e-6)
        mean = (weight * at[:, None]).sum(0)
        variance = (weight * (at[:, None] - mean).square()).sum(0)
        first = q.first
        torch.testing.assert_close(first.mean[:, 0].double(), mean, rtol=1e-4, atol=1e-5)
        found = first.log_var.exp()[:, 0].double()
        torch.testing.assert_close(found, variance, rtol=1e-4, atol=1e-6)
        assert torch.equal(q.means()[0], first.mean)


def test_a_mixture_has_the_density_of_its_definition():
    rows, _ = index_posterior(6)
    q, dense = mixture(rows), rows.dense().numpy()
    z = torch.linspace(-3, 3, 7, dtype=torch.float64)[:, None, None].expand(7, SIZE, 1)
    found = q.log_prob((z,)).exp().detach().numpy()
    mean, scale = q.mean.detach().numpy()[:, 0], (q.log_var / 2).exp().detach().numpy()[:, 0]
    for k in range(7):
        for n in range(SIZE):
            at = (float(z[k, n, 0]) - mean) / scale
            each = np.exp(-0.5 * at**2) / (scale * math.sqrt(2 * math.pi))
            assert found[k, n] == pytest.approx(float((dense[n] * each).sum()), rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_the_bound_of_a_mixture_with_any_codes_is_below_the_likelihood(seed):
    rows, x = index_posterior(6, seed)
    decoder = Wave(seed)
    z, mass = (one.flatten() for one in nodes(1, panels=400))
    total, bound = integrated(mixture(rows, seed), z, mass, decoder, x)
    torch.testing.assert_close(total.detach(), torch.ones(SIZE).double(), rtol=0, atol=1e-5)
    assert bool((bound < decoder.log_marginal(x)).all())


def test_draws_of_a_mixture_have_the_bound_and_the_gradients_of_the_integral():
    torch.manual_seed(0)
    rows, x = index_posterior(6)
    dense = torch.where(rows.dense() < 0.1, 0, rows.dense())
    rows = sparse(dense / dense.sum(1, keepdim=True))  # of different lengths
    assert rows.lengths.min() < rows.longest
    decoder, q = Wave(0), mixture(rows)
    z, mass = (one.flatten() for one in nodes(1, panels=400))
    codes = (q.mean, q.log_var)
    _, bound = integrated(q, z, mass, decoder, x)
    expected = [bound.detach(), *torch.autograd.grad(bound.sum(), codes)]

    chunks = []
    for _ in range(30):
        (drawn,) = q.rsample(400)
        log_pz = StandardNormal(1, drawn).log_prob(drawn)
        value = (decoder.log_px(x, drawn) + log_pz - q.log_prob((drawn,))).mean(0)
        chunks.append([value.detach(), *torch.autograd.grad(value.sum(), codes)])
    for found, target in zip(zip(*chunks, strict=True), expected, strict=True):
        values = torch.stack(found)
        error = values.std(0) / len(chunks) ** 0.5
        assert bool(((values.mean(0) - target).abs() <= 4.5 * error).all())


def test_a_detached_mixture_keeps_the_gradient_to_z_alone():
    q = mixture(index_posterior(6)[0])
    (z,) = q.rsample(3)
    z = z.detach().requires_grad_()
    held = q.detach().log_prob((z,))
    torch.testing.assert_close(held, q.log_prob((z,)).detach(), check_stride=False)
    held.sum().backward()
    assert z.grad is not None
    assert q.mean.grad is None
    assert q.log_var.grad is None
