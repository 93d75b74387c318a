"""What each parameter's gradient is: PIWAE's two objectives, and DReG and STL at two levels.

Gradients come from the path that training takes: one forward pass, `phi_loss` and `theta_loss`.
"""

import pytest
import torch
from small import config, make_task, splits
from torch.testing import assert_close

from tests.evaluation.two_level_gaussian import TwoLevelGaussian
from tests.laws.components import LinearGaussian, assert_zero_mean
from vaelab.batch import Batch
from vaelab.bound.dreg import Dreg
from vaelab.bound.miwae import Miwae
from vaelab.bound.stl import Stl
from vaelab.distribution import DiagonalGaussian, GaussianMixture
from vaelab.model import VAE
from vaelab.posterior import GaussianPosterior
from vaelab.prior.base import Prior
from vaelab.prior.standard import Standard
from vaelab.two_level import TwoLevelPosterior


def descended(*overrides):
    """Gradients that one update's descent leaves, by group; same weights, data and noise."""
    task = make_task(config("batch_size=20", *overrides), splits())
    torch.manual_seed(5)
    task.descend(Batch(task.splits.train.x[:20].round(), torch.arange(20)), "phi", "theta")
    return {name: [p.grad.clone() for p in group] for name, group in task.groups.items()}


VAMP = ("prior=vamp", "prior.components=7")


@pytest.mark.parametrize("prior", [(), VAMP], ids=["standard", "vamp"])
def test_piwae_in_training_is_iwae_for_theta_and_miwae_for_phi(prior):
    # The encoder must not see the decoder's objective: pythae's steps on the sum of both.
    piwae = descended("bound=piwae", "bound.M=2", "bound.K=3", *prior)
    iwae = descended("bound=iwae", "bound.K=6", *prior)
    miwae = descended("bound=miwae", "bound.M=2", "bound.K=3", *prior)
    assert_close(piwae["theta"], iwae["theta"])
    assert_close(piwae["phi"], miwae["phi"])
    for group, other in (("phi", iwae), ("theta", miwae)):
        assert any(
            not torch.allclose(a, b) for a, b in zip(piwae[group], other[group], strict=True)
        )


def test_a_clipped_piwae_is_clipped_over_both_groups():
    free = descended("bound=piwae", "bound.M=2", "bound.K=3")
    norm = torch.cat([g.ravel() for group in free.values() for g in group]).norm()
    clipped = descended("bound=piwae", "bound.M=2", "bound.K=3", f"clip_norm={float(norm) / 2}")
    for group, gradients in clipped.items():
        assert_close(gradients, [g / 2 for g in free[group]], rtol=1e-4, atol=1e-7)


def flat_gradient(bound, vae, x, q, beta=1.0):
    """Of one evaluation of the bound to phi, as one vector: upwards."""
    terms = vae.terms(x, q, bound.num_samples, log_qz=bound.log_qz)
    phi = [p for p in vae.encoder.parameters() if p.requires_grad]
    loss = -bound(terms, beta).phi_loss
    found = torch.autograd.grad(loss, phi, materialize_grads=True)
    return torch.cat([g.ravel() for g in found])


def difference(bound, other, vae, x, posterior, beta, draws=300):
    """Draws of the difference of two bounds' gradients on the same noise, [draws, P]."""
    rows = []
    for seed in range(draws):
        pair = []
        for one in (bound, other):
            torch.manual_seed(seed)
            pair.append(flat_gradient(one, vae, x, posterior(x), beta))
        rows.append(pair[0] - pair[1])
    rows = torch.stack(rows)
    return rows[:, rows.std(0) > 1e-12]  # all that differs by more than rounding


MODEL = TwoLevelGaussian(wrong=0.06)
X = MODEL.draw(3).repeat(40, 1)  # many examples in a draw: as many draws


@pytest.mark.parametrize("beta", [1.0, 0.5])
@pytest.mark.parametrize(("M", "K"), [(1, 3), (2, 2)])
def test_dreg_is_unbiased_at_two_levels(M, K, beta):
    rows = difference(Dreg(M, K), Miwae(M, K), MODEL.vae, X, MODEL.vae.encoder, beta)
    assert rows.shape[1] == sum(p.numel() for p in MODEL.vae.encoder.parameters())
    assert_zero_mean(rows)


class DetachedStatistics(TwoLevelPosterior):
    """The usual mistake: mean and variance of q(z1|x,z2) are detached, and with them z2."""

    def detach(self):
        lower = self.lower

        def still(z2):
            return DiagonalGaussian(lower(z2).mean.detach(), lower(z2).log_var.detach())

        return TwoLevelPosterior(self.first.detach(), still)


def test_the_check_sees_the_bias_of_detached_statistics():
    def posterior(x):
        q = MODEL.vae.encoder(x)
        return DetachedStatistics(q.first, q.lower)

    rows = difference(Dreg(1, 3), Miwae(1, 3), MODEL.vae, X, posterior, 1.0)
    with pytest.raises(AssertionError, match="standard errors"):
        assert_zero_mean(rows)


def test_the_check_sees_that_stl_is_biased():
    rows = difference(Stl(1, 3), Miwae(1, 3), MODEL.vae, X, MODEL.vae.encoder, 1.0)
    with pytest.raises(AssertionError, match="standard errors"):
        assert_zero_mean(rows)


class Aggregate(Prior):
    """The posteriors of fixed inputs: a VampPrior for data that are no images."""

    def __init__(self, inputs):
        super().__init__()
        self.inputs = inputs

    def forward(self, encoder):
        q = encoder(self.inputs).first
        return GaussianMixture(q.mean, q.log_var)


def test_dreg_is_unbiased_where_the_prior_is_made_of_the_encoder():
    torch.manual_seed(0)
    toy = LinearGaussian()
    vae = VAE(toy.wrong_encoder(), toy.decoder(), Aggregate(toy.x[:2] * 0.5)).double()
    x = toy.x.repeat(40, 1)
    assert_zero_mean(difference(Dreg(1, 3), Miwae(1, 3), vae, x, vae.encoder, 1.0))
    with pytest.raises(AssertionError, match="standard errors"):
        assert_zero_mean(difference(Stl(1, 3), Miwae(1, 3), vae, x, vae.encoder, 1.0))


@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize("bound", [Dreg(2, 3), Stl(2, 3)], ids=["dreg", "stl"])
def test_path_gradients_are_zero_at_the_true_posterior_for_every_sample(levels, bound):
    torch.manual_seed(0)
    if levels == 2:
        exact = TwoLevelGaussian()
        vae, x = exact.vae, exact.draw(1)
    else:
        toy = LinearGaussian()
        vae, x = VAE(toy.exact_encoder(), toy.decoder(), Standard(2)).double(), toy.x[:1]
    for _ in range(5):
        ours = flat_gradient(bound, vae, x, vae.encoder(x))
        plain = flat_gradient(Miwae(2, 3), vae, x, vae.encoder(x))
        assert float(ours.abs().max()) < 1e-10
        assert float(plain.abs().max()) > 1e-2  # zero only in mean


def test_dreg_hooks_nothing_where_nothing_is_trained():
    toy = LinearGaussian()
    q = GaussianPosterior(*torch.zeros(2, 3, 2, dtype=torch.float64))
    with torch.no_grad():
        vae = VAE(toy.exact_encoder(), toy.decoder(), Standard(2)).double()
        terms = vae.terms(toy.x, q, 6)
        assert_close(Dreg(2, 3)(terms, 1.0).value, Miwae(2, 3)(terms, 1.0).value)
