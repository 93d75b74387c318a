"""VAE.terms: the three densities, which derivatives they carry, and in which precision."""

import pytest
import torch
from torch import nn
from torch.distributions import Normal
from torch.testing import assert_close

from tests.laws.components import LinearGaussian, ToyData, build
from vaelab.architecture.base import Decoder
from vaelab.distribution import DiagonalGaussian
from vaelab.likelihood.gaussian import Gaussian
from vaelab.model import VAE, Terms
from vaelab.prior.standard import Standard

TOY = LinearGaussian()
SHAPE = (1, 4, 4)


def toy():
    return VAE(TOY.wrong_encoder(), TOY.decoder(), Standard(2)).double()


def small(prior="vamp", **settings):
    """A small network, in float32."""
    provided = {"shape": SHAPE, "likelihood": build("likelihood", "bernoulli"), "latent_dim": 3}
    provided["dataset"] = ToyData(SHAPE)
    built = build("architecture", "mlp", provided, latent_dim=3, hidden=[6])
    made = build("prior", prior, provided, components=5, **settings)
    return VAE(built.encoder, built.decoder, made).float()


def images(count=4):
    return torch.rand(count, *SHAPE, dtype=torch.float32).round()


def gradients(value, vae):
    parameters = list(vae.encoder.parameters())
    found = torch.autograd.grad(value, parameters, allow_unused=True, retain_graph=True)
    return [torch.zeros_like(p) if g is None else g for g, p in zip(found, parameters, strict=True)]


def test_densities_are_torchs_at_the_samples_of_the_terms():
    vae = toy()
    q = vae.encoder(TOY.x)
    terms = vae.terms(TOY.x, q, 5)
    (z,) = terms.z
    std = torch.exp(q.first.log_var / 2)
    assert z.shape == (5, 3, 2)
    assert_close(terms.log_qz, Normal(q.first.mean, std).log_prob(z).sum(-1))
    assert_close(terms.log_pz, Normal(0.0, 1.0).log_prob(z).sum(-1))
    px = Normal(z @ TOY.weight.T + TOY.bias, TOY.scale)
    assert_close(terms.log_px, px.log_prob(TOY.x).sum(-1))
    assert terms.kl is None


def test_log_w_weighs_the_kl_only():
    terms = Terms((), *(torch.tensor([[v]]) for v in (-90.0, -30.0, -20.0)))
    assert float(terms.log_w()) == -100
    assert float(terms.log_w(0.5)) == -95
    assert float(terms.log_w(0.0)) == -90


def test_the_closed_form_is_given_when_asked():
    vae = toy()
    q = vae.encoder(TOY.x)
    kl = vae.terms(TOY.x, q, 1, analytic_kl=True).kl
    expected = torch.distributions.kl_divergence(
        Normal(q.first.mean, torch.exp(q.first.log_var / 2)), Normal(0.0, 1.0)
    )
    assert_close(kl, expected)


def test_a_prior_given_or_built_is_the_same_number():
    torch.manual_seed(0)
    vae, x = small(), images()
    found = []
    for prior in (None, vae.prior(vae.encoder)):
        torch.manual_seed(1)
        found.append(vae.terms(x, vae.encoder(x), 3, prior=prior))
    assert_close(found[0].log_pz, found[1].log_pz, rtol=0, atol=0)
    assert_close(gradients(found[0].log_pz.sum(), vae), gradients(found[1].log_pz.sum(), vae))


def test_a_given_prior_spares_the_encoder():
    vae, x = small(), images()
    q, prior = vae.encoder(x), vae.prior(vae.encoder)
    calls = []
    vae.encoder.register_forward_hook(lambda *_: calls.append(1))
    vae.terms(x, q, 1, prior=prior)
    assert not calls
    vae.terms(x, q, 1)
    assert len(calls) == 1


def test_hooks_on_z_meet_the_gradients_of_the_densities():
    vae = toy()
    terms = vae.terms(TOY.x, vae.encoder(TOY.x), 4, log_qz="path")
    (z,) = terms.z
    expected = torch.autograd.grad(terms.log_w().sum(), z, retain_graph=True)[0]
    seen = []
    z.register_hook(seen.append)
    terms.log_w().sum().backward()
    assert len(seen) == 1
    assert_close(seen[0], expected)
    # By hand: d log p(x,z)/dz - d log q/dz.
    q = vae.encoder(TOY.x).first
    by_hand = (TOY.x - z @ TOY.weight.T - TOY.bias) @ TOY.weight / TOY.scale**2 - z
    by_hand = by_hand + (z - q.mean) * torch.exp(-q.log_var)
    assert_close(seen[0], by_hand.detach())


def test_a_hook_on_z_meets_no_gradient_of_the_total_log_qz():
    vae = toy()
    terms = vae.terms(TOY.x, vae.encoder(TOY.x), 4)
    (z,) = terms.z
    seen = []
    z.register_hook(seen.append)
    terms.log_w().sum().backward()
    by_hand = (TOY.x - z @ TOY.weight.T - TOY.bias) @ TOY.weight / TOY.scale**2 - z
    assert_close(seen[0], by_hand.detach())


@pytest.mark.parametrize("density", ["log_px", "log_pz", "log_qz"])
def test_a_hook_that_removes_the_path_leaves_nothing(density):
    vae = toy()
    value = getattr(vae.terms(TOY.x, vae.encoder(TOY.x), 4, log_qz="path"), density).sum()
    assert all(float(g.abs().max()) > 0.1 for g in gradients(value, vae))
    terms = vae.terms(TOY.x, vae.encoder(TOY.x), 4, log_qz="path")
    terms.z[0].register_hook(torch.zeros_like)
    value = getattr(terms, density).sum()
    assert all(float(g.abs().max()) == 0 for g in gradients(value, vae))


def parts(log_qz):
    """Encoder gradients of the three densities on fixed noise, and those of log_px to theta."""
    vae = toy()
    torch.manual_seed(5)
    terms = vae.terms(TOY.x, vae.encoder(TOY.x), 4, log_qz=log_qz)
    found = {}
    for name in ("log_px", "log_pz", "log_qz"):
        value = getattr(terms, name)
        found[name] = gradients(value.sum(), vae) if value.requires_grad else None
    theta = torch.autograd.grad(terms.log_px.sum(), list(vae.decoder.parameters()))
    return terms, found, theta


def test_total_is_path_plus_score():
    (total_terms, total, theta), (path_terms, path, _), (score_terms, score, _) = (
        parts(name) for name in ("total", "path", "score")
    )
    for other in (path_terms, score_terms):  # the estimators differ in derivatives only
        assert_close(other.log_w(), total_terms.log_w(), rtol=0, atol=0)
    for t, p, s in zip(total["log_qz"], path["log_qz"], score["log_qz"], strict=True):
        assert_close(t, p + s)
        assert float(s.abs().max()) > 0.1
        assert float(p.abs().max()) > 0.1
    assert_close(path["log_px"], total["log_px"])
    assert_close(path["log_pz"], total["log_pz"])
    # With z held fixed, p(x|z) and p(z) do not depend on phi; theta's gradient is as before.
    assert score["log_pz"] is None
    assert all(float(g.abs().max()) == 0 for g in score["log_px"])
    assert_close(parts("score")[2], theta)


def test_score_samples_are_cut_off_and_path_samples_are_not():
    assert not parts("score")[0].z[0].requires_grad
    assert parts("path")[0].z[0].requires_grad
    assert parts("total")[0].z[0].requires_grad


class TwoLevels:
    """q(z2|x) q(z1|z2) with q(z1|z2) = N(a z2, I): a posterior of two levels, for the test."""

    def __init__(self, top, slope):
        self.first = top
        self.slope = slope
        self.drawn = None

    def rsample(self, num_samples):
        z2 = self.first.rsample(num_samples)
        z1 = self.slope * z2 + torch.randn_like(z2)
        self.drawn = (z2, z1)
        return self.drawn

    def log_prob(self, z):
        lower = Normal(self.slope * z[0], 1.0).log_prob(z[1]).sum(-1)
        return self.first.log_prob(z[0]) + lower

    def detach(self):
        return TwoLevels(self.first.detach(), self.slope.detach())

    def means(self):
        return (self.first.mean, self.slope * self.first.mean)


class TwoLevelDecoder(Decoder):
    """p(z1|z2) = N(c z2, e) and p(x|z2, z1) = N(z2 + 2 z1, I)."""

    def __init__(self):
        super().__init__()
        self.c = nn.Parameter(torch.tensor(0.5, dtype=torch.float64))

    def lower(self, z_above):
        assert len(z_above) == 1
        return DiagonalGaussian(self.c * z_above[0], torch.ones_like(z_above[0]))

    def forward(self, z):
        return Gaussian(1.0)((z[0] + 2 * z[1]).unsqueeze(2))


def two_levels():
    vae = VAE(TOY.wrong_encoder(), TwoLevelDecoder(), Standard(2)).double()
    slope = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    q = TwoLevels(vae.encoder(TOY.x).first, slope)
    return vae, q, slope


def test_the_density_of_lower_levels_is_added():
    vae, q, _ = two_levels()
    x = TOY.x[:, :2]
    terms = vae.terms(x, q, 4)
    z2, z1 = terms.z
    lower = Normal(0.5 * z2, torch.tensor(0.5).exp().double()).log_prob(z1).sum(-1)
    assert_close(terms.log_pz, Normal(0.0, 1.0).log_prob(z2).sum(-1) + lower)
    assert_close(terms.log_px, Normal(z2 + 2 * z1, 1.0).log_prob(x).sum(-1))
    assert_close(terms.log_qz, q.log_prob(terms.z), rtol=0, atol=0)


def test_z_are_copies_so_that_a_hook_on_the_top_level_does_not_see_the_lower_ones_sampling():
    vae, q, slope = two_levels()
    x = TOY.x[:, :2]
    terms = vae.terms(x, q, 4)
    for copy, drawn in zip(terms.z, q.drawn, strict=True):
        assert copy is not drawn
        assert torch.equal(copy, drawn)
    seen = []
    terms.z[0].register_hook(seen.append)
    to_top = torch.autograd.grad(terms.log_px.sum(), q.drawn[0], retain_graph=True)[0]
    residual = (x - terms.z[0] - 2 * terms.z[1]).detach()
    assert_close(seen[0], residual)  # d log p(x|z)/dz2 at fixed z1 ...
    assert_close(to_top, residual + 2 * float(slope.detach()) * residual)  # ... and through z1


def test_densities_and_samples_are_float32_under_autocast():
    torch.manual_seed(0)
    vae, x = small(), images()
    analytic = small("standard")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert nn.Linear(2, 2)(torch.zeros(1, 2)).dtype == torch.bfloat16  # it is on
        q = vae.encoder(x)
        terms = vae.terms(x, q, 3)
        closed = analytic.terms(x, analytic.encoder(x), 3, analytic_kl=True)
    for density in (terms.log_px, terms.log_pz, terms.log_qz, terms.z[0], closed.log_pz, closed.kl):
        assert density.dtype == torch.float32
    # And they were computed in it: the reference is float64 on the same parameters and samples.
    exact = Normal(q.first.mean.double(), torch.exp(q.first.log_var.double() / 2))
    reference = exact.log_prob(terms.z[0].double()).sum(-1)
    assert_close(terms.log_qz.double(), reference, rtol=0, atol=1e-5)
    reference = Normal(0.0, 1.0).log_prob(closed.z[0].double()).sum(-1)
    assert_close(closed.log_pz.double(), reference, rtol=0, atol=1e-5)


@pytest.mark.parametrize(("prior", "own"), [("standard", 0), ("mog", 2), ("vamp", 1)])
def test_parameter_groups_are_disjoint_and_complete(prior, own):
    vae = small(prior)
    groups = vae.parameter_groups()
    phi, theta = ({id(p) for p in groups[name]} for name in ("phi", "theta"))
    assert set(groups) == {"phi", "theta"}
    assert not phi & theta
    assert phi | theta == {id(p) for p in vae.parameters()}
    assert phi == {id(p) for p in vae.encoder.parameters()}
    assert len(groups["phi"]) == len(phi)
    assert len(groups["theta"]) == len(theta)
    assert len(list(vae.prior.parameters())) == own
    assert {id(p) for p in vae.prior.parameters()} <= theta


def test_parameter_groups_leave_frozen_parameters_out():
    vae = small("vamp_data")
    vae.decoder.requires_grad_(False)
    assert vae.parameter_groups()["theta"] == []
    vae.encoder.mean.requires_grad_(False)
    assert vae.encoder.mean.weight not in set(vae.parameter_groups()["phi"])
