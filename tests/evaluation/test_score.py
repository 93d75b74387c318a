"""ELBO, its parts and the inference gap against the closed forms of a linear-Gaussian model."""

import torch

from tests.evaluation.linear_gaussian import LinearGaussian
from tests.evaluation.test_nll import scores


def close(values, expected):
    """Per-example deviations average to zero within four standard errors."""
    deviation = values - expected
    assert deviation.mean().abs() < 4 * deviation.std() / len(deviation) ** 0.5


def test_elbo_and_its_parts_equal_the_closed_forms():
    model = LinearGaussian(shift=0.2, widen=1.4)
    x = model.draw(2000)
    result = scores(model, x, 64)
    elbo = model.log_px(x) - model.gap()
    close(result.elbo, elbo)
    close(result.kl, model.kl(x))
    close(result.reconstruction, elbo + model.kl(x))


def test_inference_gap_is_the_divergence_from_the_true_posterior():
    model = LinearGaussian(shift=0.2, widen=1.4)
    x = model.draw(50)
    result = scores(model, x, 20000, rows=100_000)
    assert abs(result.inference_gap.mean() - model.gap()) < 0.01
    assert (result.inference_gap >= 0).all()


def test_parts_add_up_on_the_same_samples():
    model = LinearGaussian(shift=0.5)
    result = scores(model, model.draw(10), 3)
    torch.testing.assert_close(result.elbo, result.reconstruction - result.kl)
    assert (result.elbo <= -result.nll).all()  # Jensen, sample by sample


def test_no_graph_is_kept():
    model = LinearGaussian()
    assert not scores(model, model.draw(4), 5).nll.requires_grad
