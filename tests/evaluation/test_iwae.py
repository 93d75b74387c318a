"""IWAE-k from the NLL's samples, against closed forms and against the samples themselves."""

import math

import pytest
import torch
from torch.testing import assert_close

from tests.evaluation.linear_gaussian import LinearGaussian
from tests.evaluation.test_evaluate import run
from vaelab.evaluation.score import score


def scored(model, x, samples, rows=2000, block=64, seed=0):
    """Scores, and the log-weights they are of, in the order in which they were drawn."""
    torch.manual_seed(seed)
    drawn, terms = [], model.vae.terms

    def spy(*arguments, **keywords):
        found = terms(*arguments, **keywords)
        drawn.append(found.log_w())
        return found

    model.vae.terms = spy
    q = model.vae.encoder(x)
    prior = model.vae.prior(model.vae.encoder).double()
    scores = score(model.vae, x, q, samples, rows, prior, block)
    model.vae.terms = terms
    return scores, torch.cat(drawn)


def lme(log_w):
    """By the definition: weights near 1 need no log space."""
    return log_w.exp().mean(0).log()


def second_moment(model):
    """rho = E_q[w^2] / p(x)^2 of a diagonal posterior v and q with variance s and shift d.

    By hand, a product over dimensions of s / sqrt(v (2s - v)) exp(d^2 / (2s - v)).
    """
    v, s = model.variance, model.widen * model.variance
    each = s / (v * (2 * s - v)).sqrt() * (model.shift**2 / (2 * s - v)).exp()
    return float(each.prod())


@pytest.mark.parametrize(("samples", "rows"), [(200, 2000), (200, 24), (130, 56), (64, 8)])
def test_it_is_the_mean_of_blocks_of_the_very_samples_of_the_nll(samples, rows):
    model = LinearGaussian(shift=0.3, widen=1.7)
    scores, log_w = scored(model, model.draw(8), samples, rows)
    assert len(log_w) == samples
    blocks = [lme(log_w[start : start + 64]) for start in range(0, samples - 63, 64)]
    assert_close(scores.iwae, torch.stack(blocks).mean(0))
    assert_close(scores.nll, -lme(log_w))
    assert_close(scores.kl_qp, scores.iwae + scores.nll)


def test_bounds_are_in_order_on_the_samples_that_fill_blocks():
    model = LinearGaussian(shift=0.6, widen=2.0)
    scores, log_w = scored(model, model.draw(50), 640, rows=700)
    assert (scores.elbo <= scores.iwae + 1e-12).all()
    assert (scores.iwae <= -scores.nll + 1e-12).all()
    assert (scores.kl_qp <= 1e-12).all()
    # Eight samples more are in the NLL and in no block: only then may an example break the order.
    more, log_w = scored(model, model.draw(50), 648, rows=648 * 50)
    whole = lme(log_w[:640])
    assert (more.iwae <= whole + 1e-12).all()
    assert_close(whole + (-more.nll - whole), lme(log_w))
    assert (whole > -more.nll).any()


def test_the_gap_is_half_the_relative_variance_of_the_weight_over_k():
    # log p - L_K = (rho - 1) / (2K) + O(1/K^2).
    model = LinearGaussian(shift=0.2, widen=1.4)
    x = model.draw(200)
    rho = second_moment(model)
    assert 1.2 < rho < 3
    for k in (16, 64):
        scores, log_w = scored(model, x, 6400, rows=200 * 64, block=k)
        # Its mean is 0, E_q[w] being p(x); it takes away all noise of first order.
        control = (log_w - model.log_px(x)).exp().mean(0) - 1
        gap = model.log_px(x) - scores.iwae + control
        error, expected = float(gap.std()) / math.sqrt(len(gap)), (rho - 1) / (2 * k)
        assert error < 0.02 * expected
        assert abs(float(gap.mean()) - expected) < 4 * error + expected / k
        assert_close((scores.ess / 6400).mean().item(), 1 / rho, rtol=0.02, atol=0)


def test_an_exact_posterior_leaves_no_gap():
    model = LinearGaussian()
    x = model.draw(8)
    scores, _ = scored(model, x, 70)
    assert_close(scores.iwae, model.log_px(x), rtol=0, atol=1e-9)
    assert_close(scores.kl_qp, torch.zeros(8, dtype=torch.float64), rtol=0, atol=1e-9)


def test_metrics_say_k_and_fewer_samples_are_one_block(evaluation):
    model = LinearGaussian(shift=0.3)
    split = model.split(30)
    metrics = run(evaluation(samples=200), model, split).metrics
    assert metrics["iwae"].extra == {"k": 64}
    assert metrics["iwae"].estimator == "k = 64, mean of 3 blocks of 200 samples"
    assert metrics["iwae"].samples == 200
    assert metrics["kl_qp"].extra == {"k": 64}
    found = metrics["iwae"].value + metrics["nll"].value
    assert metrics["kl_qp"].value == pytest.approx(found, abs=1e-12)
    few = run(evaluation(samples=50), model, split).metrics
    assert few["iwae"].extra == {"k": 50}
    assert few["iwae"].value == pytest.approx(-few["nll"].value)
    one = run(evaluation(samples=200, block=1), model, split).metrics
    assert one["iwae"].value == pytest.approx(one["elbo"].value)
