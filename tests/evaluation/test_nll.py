"""Importance-weighted NLL against the closed form of a linear-Gaussian model."""

import math

import pytest
import torch
from torch.testing import assert_close

from tests.evaluation.linear_gaussian import LinearGaussian
from vaelab.errors import UserError
from vaelab.evaluation.nll import check_finite, nll
from vaelab.evaluation.score import score
from vaelab.evaluation.streaming import LogSumExp


def scores(model, x, samples, rows=2000, seed=0):
    torch.manual_seed(seed)
    q = model.posterior(type("B", (), {"x": x}))
    return score(model.vae, x, q, samples, rows, model.vae.prior(model.vae.encoder).double())


@pytest.mark.parametrize("samples", [1, 2, 7, 100])
@pytest.mark.parametrize("rows", [1, 8, 30, 2000])
def test_exact_posterior_gives_the_closed_form_with_any_samples(samples, rows):
    # With q(z|x) = p(z|x) every weight is p(x) itself.
    model = LinearGaussian()
    x = model.draw(8)
    result = scores(model, x, samples, rows)
    assert_close(result.nll, -model.log_px(x), rtol=0, atol=1e-9)
    assert_close(result.ess, torch.full((8,), float(samples), dtype=torch.float64))
    assert_close(result.inference_gap, torch.zeros(8, dtype=torch.float64), rtol=0, atol=1e-9)


def test_exact_posterior_in_float32():
    model = LinearGaussian(dtype=torch.float32)
    x = model.draw(8)
    result = scores(model, x, 100, 30)
    assert_close(result.nll, -model.log_px(x).double(), rtol=0, atol=1e-4)


def test_wrong_posterior_is_within_its_error_of_the_closed_form():
    model = LinearGaussian(shift=0.2, widen=1.4)
    x = model.draw(20)
    log_w = []
    for seed in range(20):
        log_w.append(scores(model, x, 5000, seed=seed).nll)
    runs = torch.stack(log_w).mean(1)
    z = (runs.mean() + model.log_px(x).mean()) / (runs.std() / math.sqrt(len(runs)))
    assert abs(z) < 4
    assert runs.std() < 0.01


def test_samples_split_into_chunks_equal_one_chunk():
    # The first public version of VampPrior's code subtracted log 100 where 5000 were drawn.
    log_w = torch.randn(5000, 3, dtype=torch.float64) * 3 - 90
    expected = -(log_w.logsumexp(0) - math.log(5000))
    for chunk in (100, 5000, 777):
        weights = LogSumExp()
        for part in log_w.split(chunk):
            weights.add(part)
        assert_close(nll(weights), expected, rtol=1e-12, atol=1e-12)


def test_short_last_chunk_draws_what_was_asked():
    model = LinearGaussian(shift=0.2)
    drawn = []
    terms = model.vae.terms
    model.vae.terms = lambda x, q, k, **keywords: (
        drawn.append((k, len(x))) or terms(x, q, k, **keywords)
    )
    scores(model, model.draw(8), 10, rows=30)
    assert drawn == [(3, 8), (3, 8), (3, 8), (1, 8)]
    drawn.clear()
    scores(model, model.draw(8), 2, rows=3)
    assert drawn == [(1, 8), (1, 8)]


def test_an_example_does_not_depend_on_its_neighbours():
    model = LinearGaussian(shift=0.2, widen=1.4)
    x, other = model.draw(8), model.draw(16)[8:].clone()
    other[3] = x[3]
    assert_close(scores(model, x, 50).nll[3], scores(model, other, 50).nll[3], rtol=0, atol=1e-12)
    assert not torch.allclose(scores(model, x, 50).nll[4], scores(model, other, 50).nll[4])


def test_more_samples_tighten_it():
    model = LinearGaussian(shift=0.3, widen=2.0)
    x = model.draw(500)
    values = [scores(model, x, samples).nll.mean() for samples in (1, 5, 50, 1000)]
    assert values == sorted(values, reverse=True)
    assert values[-1] > -model.log_px(x).mean() - 0.01


@pytest.mark.parametrize("bad", [-math.inf, math.nan, math.inf])
def test_an_example_without_weights_is_refused_by_its_row(bad):
    log_w = torch.zeros(4, 3)
    log_w[:, 1] = bad
    weights = LogSumExp()
    weights.add(log_w)
    with pytest.raises(UserError, match="test row 42"):
        check_finite(nll(weights), torch.tensor([7, 42, 9]), "test")


def test_one_weight_of_zero_is_no_mistake():
    log_w = torch.zeros(4, 1)
    log_w[0] = -math.inf
    weights = LogSumExp()
    weights.add(log_w)
    check_finite(nll(weights), torch.tensor([0]), "test")
    assert_close(nll(weights), torch.tensor([-math.log(3 / 4)], dtype=torch.float64))
