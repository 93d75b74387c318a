"""Evaluation of a posterior that goes from the bottom up, against a model's closed forms."""

import math

import pytest
import torch
from torch.testing import assert_close

from tests.bottom_up_gaussian import BottomUpGaussian
from vaelab.dataset.base import Split


def evaluated(evaluation, model, n, samples):
    split = Split(model.draw(n), read=lambda x: x)

    def posterior(batch):
        return model.vae.encoder(batch.x)

    return evaluation(samples=samples)(model.vae, posterior, split, "test", False), split.x


def test_likelihood_and_elbo_are_the_closed_forms(evaluation):
    model = BottomUpGaussian(wrong=0.06)
    results, x = evaluated(evaluation, model, 3000, 100)
    log_px, gap = float(model.of_x.log_prob(x).mean()), float(model.gap(x).detach().mean())
    assert gap > 0.05
    assert results.metrics["nll"].value == pytest.approx(-log_px, abs=0.02)
    assert results.metrics["elbo"].value == pytest.approx(log_px - gap, abs=0.02)


def test_information_is_of_h1_and_units_are_listed_top_first(evaluation):
    """I(x; h1) = I(x; h1, h2); means vary as the law of total variance says."""
    model = BottomUpGaussian()
    n = 4000
    results, _ = evaluated(evaluation, model, n, 1)
    decoder, encoder = model.vae.decoder, model.vae.encoder
    slope, left = decoder.below.slope.detach(), encoder.log_var.exp().detach()
    marginal = slope.square() + decoder.below.log_var.exp().detach()  # variance of h1 under p
    found = results.metrics["mi_full"]
    expected = float((0.5 * (marginal / left).log()).sum())
    assert abs(found.value - expected) < 4 * found.se
    # Var E[h1|x] = Var h1 - v1. With h1 from the exact posterior, (h1, h2) is the model's own:
    # Var E[h2|h1] = 1 - v2, and h2 stands first.
    bound = 5 * math.sqrt(2 / n)
    variances = results.arrays
    assert_close(variances["variance_1"], marginal - left, rtol=bound, atol=0)
    upper = 1 - encoder.above.log_var.exp().detach()
    assert_close(variances["variance_0"], upper, rtol=bound, atol=0)
    assert not torch.allclose(variances["variance_0"], variances["variance_1"], rtol=2 * bound)
