"""Evaluation of two latent levels, against the closed form of a linear-Gaussian model."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch.testing import assert_close

from tests.evaluation.two_level_gaussian import LOWER, TwoLevelGaussian, X
from tests.laws.components import assert_zero_mean
from vaelab.evaluation.sample import ancestral, decode
from vaelab.evaluation.score import score
from vaelab.reporting.summary import number


def scores(model, x, samples, rows=2000, q=None):
    q = q or model.posterior(SimpleNamespace(x=x))
    return score(model.vae, x, q, samples, rows, model.vae.prior(model.vae.encoder).double())


@pytest.mark.parametrize("samples", [1, 7, 100])
@pytest.mark.parametrize("rows", [1, 30, 2000])
def test_the_exact_posterior_gives_log_p_without_variance(samples, rows):
    model = TwoLevelGaussian()
    x = model.draw(8)
    result = scores(model, x, samples, rows)
    assert_close(result.nll, -model.log_px(x), rtol=0, atol=1e-9)
    assert_close(result.ess, torch.full((8,), float(samples), dtype=torch.float64))
    assert_close(result.inference_gap, torch.zeros(8, dtype=torch.float64), rtol=0, atol=1e-9)


def test_a_wrong_posterior_falls_to_log_p_from_above():
    torch.manual_seed(0)
    model = TwoLevelGaussian(wrong=0.06)
    x = model.draw(1000)
    above = {samples: scores(model, x, samples).nll + model.log_px(x) for samples in (1, 5, 50)}
    assert_zero_mean(above[1] - model.gap(x).detach())
    means = [float(value.mean()) for value in above.values()]
    assert means[0] > means[1] > means[2] > 0
    x, exact = x[:30], -model.log_px(x[:30]).mean()
    runs = torch.stack([scores(model, x, 5000, 150_000).nll.mean() - exact for _ in range(10)])
    assert abs(runs.mean()) < 4 * runs.std() / math.sqrt(10) + 1e-3  # the bias that is left
    assert runs.std() < 0.02


class Replay:
    """The posterior, handing out the same samples whatever part of them is asked for at a time."""

    def __init__(self, q, samples):
        self.q = q
        self.z = q.rsample(samples)
        self.used = 0

    def rsample(self, num_samples):
        start, self.used = self.used, self.used + num_samples
        return tuple(level[start : self.used] for level in self.z)

    def log_prob(self, z):
        return self.q.log_prob(z)


def test_chunks_of_the_same_noise_give_the_same_likelihood():
    model = TwoLevelGaussian(wrong=0.06)
    x = model.draw(6)
    q = model.posterior(SimpleNamespace(x=x))
    whole = Replay(q, 12)
    expected = scores(model, x, 12, 2000, whole)
    for rows in (6, 30, 42):
        again = Replay(q, 12)
        again.z = whole.z
        assert_close(scores(model, x, 12, rows, again).nll, expected.nll, rtol=0, atol=1e-12)


def test_one_sample_s_likelihood_is_the_loss():
    model = TwoLevelGaussian(wrong=0.06)
    x = model.draw(6)
    q = model.posterior(SimpleNamespace(x=x))
    one = Replay(q, 1)
    z2, z1 = one.z
    p = model.vae.decoder
    loss = -p(one.z).log_prob(x) - model.vae.prior(model.vae.encoder).log_prob(z2)
    loss = loss - p.lower((z2,)).log_prob(z1) + q.first.log_prob(z2) + q.lower(z2).log_prob(z1)
    assert_close(scores(model, x, 1, 2000, one).nll, loss[0].detach(), rtol=0, atol=1e-12)


def test_a_whole_evaluation_equals_the_closed_forms(evaluation):
    model = TwoLevelGaussian(wrong=0.06)
    split = model.split(3000)
    results = evaluation(samples=100)(model.vae, model.posterior, split, "test", False)
    metrics = results.metrics
    log_px, gap = float(model.log_px(split.x).mean()), float(model.gap(split.x).detach().mean())
    assert gap > 0.1
    assert metrics["nll"].value == pytest.approx(-log_px, abs=0.02)
    assert metrics["elbo"].value == pytest.approx(log_px - gap, abs=0.02)
    assert metrics["au"].extra == {"levels": [2, 2], "dims": [2, 2]}
    assert number(metrics["au"].as_dict()) == "4 (2 + 2)"
    assert set(results.arrays) == {
        "index",
        "nll",
        "elbo",
        "ess",
        "iwae",
        "variance_0",
        "variance_1",
    }


def test_information_and_active_units_of_the_exact_posterior(evaluation):
    """I(x; z2) of the top level; means vary as the law of total variance says."""
    model = TwoLevelGaussian()
    split = model.split(4000)
    results = evaluation(samples=1)(model.vae, model.posterior, split, "test", False)
    _, _, variance = model.given(slice(0, 2), list(range(*X.indices(9))))
    expected = -0.5 * float(variance.log().sum())
    metrics = results.metrics
    assert abs(metrics["mi_full"].value - expected) < 4 * metrics["mi_full"].se
    # Var E[z2|x] = 1 - v2. With z2 drawn from the exact posterior, (x, z2) is the model's own:
    # Var E[z1|x,z2] = Var z1 - v1.
    _, _, left = model.given(LOWER, [0, 1, *range(*X.indices(9))])
    marginal = model.covariance[LOWER, LOWER].diagonal()
    bound = 5 * math.sqrt(2 / 4000)
    assert_close(results.arrays["variance_0"], 1 - variance, rtol=bound, atol=0)
    assert_close(results.arrays["variance_1"], marginal - left, rtol=bound, atol=0)


def test_samples_through_both_levels_have_the_model_s_marginal():
    torch.manual_seed(0)
    model, n = TwoLevelGaussian(), 20_000
    drawn = decode(model.vae, ancestral(model.vae, 2, n))
    found = torch.cat([*drawn.z, drawn.x], dim=1)
    expected = model.covariance
    spread = (expected.diagonal()[:, None] * expected.diagonal() + expected**2).sqrt() / n**0.5
    assert ((found.T.cov() - expected).abs() < 5 * spread).all()
    assert ((found.mean(0) - model.mean).abs() < 5 * (expected.diagonal() / n).sqrt()).all()
