"""Index posteriors of any x, against all pairs, and what a state dict keeps."""

import numpy as np
import pytest
import torch

from mapa.dense import circle, posterior, recipe, squares
from vaelab.dataset.base import Split
from vaelab.mapa.tables import Tables

SIZE = 150


def tables(x=None, distance="raw", components=50, **settings):
    x = circle(SIZE)[0] if x is None else x
    made = Tables(recipe(**settings), distance, components, Split(x))
    made.fit()
    return made


NEW = circle(9, seed=1)[0]


def test_of_any_x_the_kernel_is_that_of_a_new_example():
    kernel = np.exp(-squares(NEW, circle(SIZE)[0]) / (2 * 2.0 * 0.01))
    found = tables(c=2.0, self_term="expected").of(NEW).dense().numpy()
    np.testing.assert_allclose(found, kernel / kernel.sum(1, keepdims=True), rtol=1e-9, atol=1e-15)


def test_of_a_training_example_oneself_counts_as_any_other():
    made = tables(self_term="exclude")
    x = made.x[:5]
    expected = posterior(made.x.numpy(), 0.01)[:5]
    np.testing.assert_allclose(made.of(x).dense().numpy(), expected, rtol=1e-9, atol=1e-15)
    own = made.of(x).dense()[range(5), range(5)]
    assert (own > 0).all()
    assert (made.rows.dense()[range(5), range(5)] == 0).all()


def test_columns_keep_their_scale_for_new_examples():
    made = tables(normalise="sinkhorn")
    a = made.log_scale.exp().numpy()
    kernel = np.exp(-squares(NEW, made.x) / (2 * 0.01)) * a
    found = made.of(NEW).dense().numpy()
    np.testing.assert_allclose(found, kernel / kernel.sum(1, keepdims=True), rtol=1e-9, atol=1e-15)
    # Of training examples themselves these are the balanced rows.
    torch.testing.assert_close(made.of(made.x).dense(), made.rows.dense(), rtol=1e-7, atol=1e-9)


def test_every_new_row_has_the_perplexity_that_was_asked_for():
    made = tables(sigma2="perplexity", perplexity=12.0, per_row=True)
    found = made.of(NEW).entropy().exp()
    torch.testing.assert_close(found, torch.full((9,), 12.0).double(), rtol=1e-6, atol=0)


def test_distances_may_be_between_principal_components():
    torch.manual_seed(0)
    x = torch.randn(SIZE, 3) @ torch.randn(3, 1 * 4 * 6)
    x, new = x[:-9].view(-1, 1, 4, 6), x[-9:].view(-1, 1, 4, 6)
    made = tables(x, "pca", 3, sigma2=1.0, latent_dim=2, layout="kd")
    kernel = -squares(new.flatten(1), x.flatten(1)) / 2
    kernel = np.exp(kernel - kernel.max(1, keepdims=True))
    found = made.of(new).dense().numpy()
    # Three components are all there is of these data: distances are kept, in single precision.
    np.testing.assert_allclose(found, kernel / kernel.sum(1, keepdims=True), rtol=1e-2, atol=1e-5)
    assert made.targets.mean.shape == x.shape


def test_targets_are_sums_over_the_rows():
    made = tables()
    q, x = made.rows.dense().float(), made.x
    weight = q.sum(0)
    torch.testing.assert_close(made.targets.weight, weight)
    torch.testing.assert_close(made.targets.mean, q.T @ x / weight[:, None])
    assert made.targets.mean.dtype == torch.float32


@pytest.mark.parametrize("settings", [{"normalise": "sinkhorn"}, {"c": 0.5}])
def test_a_state_dict_brings_layout_width_and_scale(settings):
    trained = tables(**settings)
    loaded = Tables(recipe(**settings), "raw", 50, Split(circle(SIZE)[0]))
    assert not loaded.variance.isfinite().any()
    assert loaded.layout.place.tolist() == list(range(SIZE))
    loaded.load_state_dict(trained.state_dict())
    loaded.facts = trained.facts
    assert loaded.variance.isfinite().all()
    assert torch.equal(loaded.layout.place, trained.layout.place)
    assert not torch.equal(loaded.layout.place, torch.arange(SIZE))
    for of in (lambda one: one.of(NEW), lambda one: one.rows):
        assert torch.equal(of(loaded).dense(), of(trained).dense())
    assert torch.equal(loaded.targets.mean, trained.targets.mean)
    assert loaded.fingerprint == trained.fingerprint


def test_rows_of_other_examples_are_kept_until_anything_they_are_made_of_changes():
    made = tables(c=1.0)
    rows = made.of(NEW)
    assert made.of(NEW.clone()) is rows
    assert made.of(NEW.flip(0)) is not rows
    other = tables(c=4.0)
    made.load_state_dict(other.state_dict())
    torch.testing.assert_close(made.of(NEW).dense(), other.of(NEW).dense(), rtol=0, atol=0)
    assert float((made.of(NEW).dense() - rows.dense()).abs().max()) > 1e-3
    made.fit()  # with its own settings again
    torch.testing.assert_close(made.of(NEW).dense(), rows.dense(), rtol=0, atol=0)
