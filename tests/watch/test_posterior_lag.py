"""What is recorded, of a model whose posterior is known; and who is refused before training."""

import numpy as np
import pytest
import torch
from small import config

from tests.laws.components import LinearDecoder, LinearEncoder
from vaelab.batch import Batch
from vaelab.build import build
from vaelab.dataset.base import Split
from vaelab.errors import UserError
from vaelab.model import VAE
from vaelab.prior.mog import Mog
from vaelab.prior.standard import Standard
from vaelab.progress import Progress
from vaelab.seeding import permutation
from vaelab.watch.base import Watched
from vaelab.watch.posterior_lag import PosteriorLag, divergence

F64 = {"dtype": torch.float64}
GIVEN = {
    "latent_dims": (1,), "examples": 50, "grid": (-20.0, 20.0, 0.1), "coarse": 10, "mixture": 16,
    "chunk": 4000, "updates": [0, 2], "every": None, "epochs": True,
}  # fmt: skip


def lag(**settings):
    return PosteriorLag(**(GIVEN | settings))


class Known:
    """p(z) = N(0, 1), p(x|z) = N(w z + c, s^2 I): p(z|x) = N(v w'(x - c) / s^2, v)."""

    def __init__(self, gain=0.5, log_var=-1.0, prior=None, seed=3):
        self.weight = torch.tensor([[1.0], [-0.5], [0.7]], **F64)
        self.bias = torch.tensor([0.3, -0.2, 0.1], **F64)
        self.scale = 0.7
        self.x = 2 * torch.randn(80, 3, generator=torch.Generator().manual_seed(0), **F64)
        encoder = LinearEncoder(
            torch.full((1, 3), gain, **F64), torch.zeros(1, **F64), torch.tensor([log_var], **F64)
        )
        decoder = LinearDecoder(self.weight, self.bias, self.scale)
        self.vae = VAE(encoder, decoder, prior or Standard(1)).double().requires_grad_(False)
        self.watched = Watched(
            vae=self.vae,
            posterior=lambda batch: self.vae.encoder(batch.x),
            rows=80,
            batch=lambda index: Batch(self.x[index], index),
            valid=Split(self.x),
            progress=Progress(),
            seed=seed,
        )

    def means(self, x):
        v = 1 / (1 + self.weight.square().sum() / self.scale**2)
        return v * ((x - self.bias) @ self.weight)[:, 0] / self.scale**2


def test_the_model_s_means_are_those_of_the_closed_form():
    known = Known()
    seen = lag().record(known.watched)
    x = known.x[seen["index"]]
    assert len(seen["index"].unique()) == 50
    assert seen["model"].tolist() == pytest.approx(known.means(x).tolist(), abs=1e-5)
    assert seen["encoder"].tolist() == pytest.approx((0.5 * x.sum(1)).tolist())
    assert np.std(seen["model"].tolist()) > 0.5  # not all in one place


def test_pieces_change_nothing_and_examples_are_the_seed_s():
    known = Known()
    whole, pieces = (lag(chunk=c).record(known.watched) for c in (10**6, 1))
    assert torch.allclose(whole["model"], pieces["model"], atol=1e-9)
    assert torch.equal(whole["index"], permutation(80, 3, "posterior_lag")[:50])
    assert not torch.equal(whole["index"], lag().record(Known(seed=4).watched)["index"])
    assert len(lag(examples=500).record(known.watched)["index"]) == 80


def test_divergence_from_a_standard_normal_is_the_closed_form():
    known = Known(gain=1.3, log_var=-2.0)
    seen = lag().record(known.watched)
    q = known.vae.encoder(known.x[seen["index"]]).first
    assert float(seen["kl"]) == pytest.approx(float(q.kl_to_standard().mean()), rel=1e-10)


def test_divergence_from_a_mixture_is_that_of_many_draws():
    prior = Mog(1, components=3, spread=1.5, log_var=-1.0, clamp=False)
    known = Known(prior=prior)
    p = known.vae.prior(known.vae.encoder)
    q = known.vae.encoder(known.x[:4]).first
    torch.manual_seed(0)
    z = q.rsample(200_000)
    draws = q.log_prob(z) - p.log_prob(z)
    error = draws.std(0) / 200_000**0.5
    assert bool(((divergence(q, p) - draws.mean(0)).abs() < 4.5 * error).all())


@pytest.mark.parametrize(("log_var", "least", "most"), [(-14.0, 2.5, 2.7727), (20.0, -0.6, 0.6)])
def test_information_is_near_the_logarithm_of_the_mixture_or_nothing(log_var, least, most):
    """48 of 50 examples are in mixtures of 16, whose logarithm is 2.77, and two in one of 2."""
    seen = lag(examples=48).record(Known(gain=40.0, log_var=log_var).watched)
    assert least < float(seen["mi"]) < most + 3 * (0.5 / 48) ** 0.5


def test_moments():
    moments = lag(updates=[0, 7], every=5, epochs=True).moments
    assert [u for u in range(12) if moments.include(u, u == 9)] == [0, 5, 7, 9, 10]
    moments = lag(updates=[3], epochs=False).moments
    assert [u for u in range(12) if moments.include(u, True)] == [3]


def test_other_latents_are_refused_before_training():
    words = (
        r"^watch=posterior_lag: .* dimensions 3, .*set architecture\.latent_dim=1, or watch=none"
    )
    with pytest.raises(UserError, match=words):
        build(config("watch=posterior_lag"))
    with pytest.raises(ValueError, match=r"dimensions 1, 1, "):
        lag(latent_dims=(1, 1))
    assert build(config("watch=posterior_lag", "architecture.latent_dim=1")).watch.moments


@pytest.mark.parametrize(
    ("setting", "value"),
    [("examples", 1), ("coarse", 0), ("mixture", 0), ("chunk", 0), ("every", 0), ("updates", [-1]),
     ("grid", (1.0, 1.0, 0.1)), ("grid", (0.0, 1.0, 0.0))],
)  # fmt: skip
def test_impossible_settings_are_refused(setting, value):
    with pytest.raises(UserError, match=f"watch.{setting}="):
        lag(**{setting: value})


def test_the_yaml_s_grid_is_the_paper_s():
    grid = build(config("watch=posterior_lag", "architecture.latent_dim=1")).watch.grid
    assert np.allclose(grid, np.arange(-200, 200) / 10)
