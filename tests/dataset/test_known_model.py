"""What holds of every model whose likelihood is known: its codes, its draws and its density."""

import math

import pytest
import torch
from known_models import NAMES, known, log_likelihood

from vaelab.errors import UserError

EVERY = pytest.mark.parametrize("name", NAMES)
# Section 8 of the notes: mean log p(x) of 2,000 draws of another generator (None: exact elsewhere).
MEANS = {"figure8": -0.868, "circle": -0.950, "abs": -0.250, "clusters": -2.260}
MEANS |= {"spiral_dots": -2.918, "mobius": 1.925, "saddle": -2.439}


@EVERY
def test_data_are_their_decoded_codes_and_noise_of_the_given_variance(name):
    model = known(name)
    splits = model.load()
    parts = (splits.train, splits.valid, splits.test)
    for split, z in zip(parts, model.codes, strict=True):
        assert z.shape == (len(split), model.latent_dim)
        assert z.dtype == model.decode(z).dtype == torch.float64
        e = (split.x.double() - model.decode(z)) / math.sqrt(model.noise)
        count = e.numel()
        assert abs(float(e.mean())) < 4.5 / math.sqrt(count)
        # x is float32, in steps of 6e-8 of it: nothing beside the smallest noise, 1e-3.
        assert abs(float(e.square().mean()) - 1) < 4.5 * math.sqrt(2 / count)
        assert float((e.T @ e / len(e) - torch.eye(len(e.T))).abs().max()) < 6.5 / len(e) ** 0.5
    z = torch.cat(model.codes)
    assert float(z.mean(0).abs().max()) < 4.5 / math.sqrt(len(z))
    assert float((z.T @ z / len(z) - torch.eye(len(z.T))).abs().max()) < 6.5 / math.sqrt(len(z))
    assert len(z.unique(dim=0)) == len(z)


@EVERY
def test_a_batch_of_any_shape_is_decoded_alike(name):
    model = known(name)
    z = torch.randn(3, 4, model.latent_dim, dtype=torch.float64)
    each = torch.stack([model.decode(one[None])[0] for one in z.flatten(0, 1)])
    torch.testing.assert_close(model.decode(z), each.unflatten(0, (3, 4)), rtol=1e-13, atol=1e-13)


@EVERY
def test_the_likelihood_is_the_mean_over_draws_of_the_prior(name):
    """At a noise that lets some of them come near; the estimate's own deviation says how near."""
    model = known(name, **({"sigma": 1.0} if name == "linear_gaussian" else {"noise": 0.05}))
    x = model.load().test.x[:12].double()
    z = torch.randn(
        40_000, model.latent_dim, dtype=torch.float64, generator=torch.Generator().manual_seed(4)
    )
    exact = model.log_marginal(x)
    checked = 0
    for one, truth in zip(x, exact, strict=True):
        ratio = (log_likelihood(model, one, z) - truth).exp()
        error = float(ratio.std()) / math.sqrt(len(z))
        if error < 0.05:  # the others are far out, where hardly a draw falls
            checked += 1
            assert abs(float(ratio.mean()) - 1) < 4.5 * error
    assert checked > 4


@pytest.mark.parametrize("name", MEANS)
def test_the_mean_is_that_of_the_notes(name):
    model = known(name)
    found = model.log_marginal(model.load().test.x)
    error = math.sqrt(float(found.var()) * (1 / len(found) + 1 / 2000))
    assert abs(float(found.mean()) - MEANS[name]) < 4 * error


@EVERY
def test_rows_are_apart_from_each_other_and_of_any_float(name):
    model = known(name)
    x = model.load().valid.x[:7]
    found = model.log_marginal(x)
    assert (found.dtype, found.shape) == (torch.float64, (7,))
    alone = torch.cat([model.log_marginal(one[None].double()) for one in x])
    torch.testing.assert_close(found, alone, rtol=0, atol=2e-5)
    assert model.log_marginal(x[:0]).shape == (0,)


@EVERY
def test_more_examples_of_one_split_leave_the_others_before_it(name):
    few, many = known(name, num_test=3), known(name, num_test=400)
    assert torch.equal(few.load().train.x, many.load().train.x)
    assert torch.equal(few.load().valid.x, many.load().valid.x)


@EVERY
@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"num_train": 0}, r"dataset.num_train must be above 0 \(got 0\)"),
        ({"num_test": -1}, r"dataset.num_test must be above 0 \(got -1\)"),
        ({"seed": -3}, r"dataset.seed must be from 0 to 2\*\*32 - 1 \(got -3\)"),
    ],
)
def test_impossible_settings_are_refused(name, setting, words):
    with pytest.raises(UserError, match=words):
        known(name, **setting)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "linear_gaussian"])
def test_noise_must_be_positive(name):
    with pytest.raises(UserError, match=r"dataset.noise must be above 0 \(got 0.0\)"):
        known(name, noise=0.0)
    assert known(name, noise=0.3).provenance()["noise"] == 0.3
