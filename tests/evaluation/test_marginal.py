"""log p(x) as an evaluation reports it: which estimator when, and that all of them agree."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch.testing import assert_close

from tests.evaluation.grids import F64, Bent, closed_form, known, random_mlp
from tests.evaluation.linear_gaussian import LinearGaussian
from tests.evaluation.test_evaluate import binary
from tests.evaluation.two_level_gaussian import TwoLevelGaussian
from tests.laws.components import LinearEncoder, assert_zero_mean
from vaelab.dataset.base import Split
from vaelab.errors import UserError
from vaelab.likelihood.bernoulli import Bernoulli
from vaelab.model import VAE
from vaelab.prior.mog import Mog
from vaelab.prior.standard import Standard

AUTO = {"marginal": "auto"}


def double(x):
    return x.double()


def served(vae):
    """A model with its encoder's posteriors."""
    return SimpleNamespace(vae=vae, posterior=lambda batch: vae.encoder(batch.x))


def wrong(latent_dim, dim):
    """An encoder that has learnt nothing of the model, but whose weights have a variance."""
    slope = torch.full((latent_dim, dim), 0.1, **F64)
    return LinearEncoder(slope, torch.zeros(latent_dim, **F64), torch.zeros(latent_dim, **F64))


def run(evaluation, model, split):
    return evaluation(model.vae, model.posterior, split, "test", False)


def learned(count=40, latent_dim=2, **of_data):
    decoder, data = known(latent_dim, count=count, **of_data)
    vae = VAE(wrong(latent_dim, data.dim), decoder, Standard(latent_dim)).double()
    return served(vae), data, Split(data.load().test.x, read=double)


def test_it_is_the_closed_form_whatever_the_posterior(evaluation):
    model, data, split = learned()
    results = run(evaluation(samples=10, chunk=20_000, **AUTO), model, split)
    found = results.metrics["log_likelihood"]
    index = results.arrays["index"]
    assert_close(
        results.arrays["log_likelihood"], closed_form(data, split[index]), rtol=0, atol=1e-8
    )
    assert found.value == pytest.approx(float(closed_form(data, split.x).mean()))
    spread = closed_form(data, split.x).std()
    assert found.se == pytest.approx(float(spread) / math.sqrt(40))
    assert (found.estimator, found.samples, found.n) == ("quadrature, 161 x 161 points", None, 40)
    assert 0 <= found.extra["moved"] < 1e-6
    assert -results.metrics["nll"].value < found.value - 0.1  # that one depends on the posterior


def test_it_changes_no_other_number_and_not_the_generator(evaluation):
    model, split = binary(n=20)
    torch.manual_seed(4)
    without = run(evaluation(), model, split)
    expected = torch.rand(2)
    torch.manual_seed(4)
    with_it = run(evaluation(marginal=21), model, split)
    assert torch.equal(torch.rand(2), expected)
    assert set(with_it.metrics) - set(without.metrics) == {"log_likelihood"}
    assert {name: with_it.metrics[name] for name in without.metrics} == without.metrics
    assert run(evaluation(marginal=21), model, split).as_dict() == with_it.as_dict()
    assert model.vae.training


def test_images_that_are_binarised_anew_are_those_that_were_measured(evaluation):
    model, split = binary(n=20)
    model.vae.prior = Standard(2)
    seen = []
    encoder = model.posterior
    model.posterior = lambda batch: seen.append(batch.x) or encoder(batch)
    arrays = run(evaluation(marginal=41), model, split).arrays
    again = run(evaluation(marginal=41), model, Split(torch.cat(seen)[arrays["index"].argsort()]))
    assert torch.equal(again.arrays["log_likelihood"], arrays["log_likelihood"])


@pytest.mark.parametrize("latent_dim", [1, 2])
def test_quadrature_importance_and_prior_samples_agree(evaluation, latent_dim):
    """Test 11 of the notes, on a decoder of random weights and binary data of its own."""
    vae = random_mlp((1, 2, 4), Bernoulli(None), latent_dim)
    z = torch.randn(12, 1, latent_dim, **F64)
    x = vae.decoder((z,)).sample()[:, 0]
    split, model = Split(x, read=double), served(vae)
    on_grid = run(evaluation(**AUTO), model, split).arrays
    vae.decoder.autoregressive = True  # such a one is not summed on a grid
    settings = {"autoregressive_samples": 20_000, "chunk": 40_000}
    sampled = run(evaluation(**settings, **AUTO), model, split)
    assert sampled.metrics["log_likelihood"].estimator == (
        "importance weighted, 20000 samples, 5% of them the prior's"
    )
    vae.decoder.autoregressive = False
    x = x[on_grid["index"]]
    with torch.no_grad():
        draws = vae.decoder((torch.randn(20_000, 1, latent_dim, **F64),))
        ratio = torch.cat([draws.log_prob(one[None]) for one in x], dim=1)
    ratio = (ratio - on_grid["log_likelihood"]).exp()  # 1 on average
    error = ratio.std(0) / math.sqrt(20_000)
    assert ratio.std() > 0.3
    assert float(((ratio.mean(0) - 1) / error).abs().max()) < 4.5
    # The proposal's weights vary less than the likelihood under the prior does.
    off = sampled.arrays["log_likelihood"] - on_grid["log_likelihood"]
    assert float((off / error).abs().max()) < 4.5
    assert float(off.abs().max()) > 0


def test_three_dimensions_are_sampled_without_bias(evaluation):
    """Whatever the proposal, the mean weight is p(x) on average."""
    model, data, split = learned(200, latent_dim=3, dim=3, sigma=1.0)
    results = run(evaluation(samples=1000, chunk=50_000, **AUTO), model, split)
    found = results.metrics["log_likelihood"]
    assert (found.samples, found.n) == (1000, 200)
    off = results.arrays["log_likelihood"] - closed_form(data, split[results.arrays["index"]])
    assert_zero_mean(off.exp() - 1)
    assert 0.01 < float(off.std()) < 0.2


def test_the_share_of_the_prior_saves_a_posterior_that_misses(evaluation):
    """A posterior far off, and narrow: without the prior's samples nothing would be found."""
    model, data, split = learned(20, latent_dim=3, dim=3, sigma=1.0)
    model.vae.encoder.bias.data.fill_(9.0)
    model.vae.encoder.log_var.data.fill_(-8.0)
    results = run(evaluation(samples=20_000, chunk=50_000, **AUTO), model, split)
    exact = float(closed_form(data, split.x).mean())
    assert results.metrics["nll"].value > -exact + 50
    assert results.metrics["log_likelihood"].value == pytest.approx(exact, abs=0.1)


def test_a_prior_beyond_the_grid_is_sampled(evaluation):
    model, _, split = learned(latent_dim=1)
    model.vae.prior = Mog(1, components=4, spread=9.0, log_var=0.0, clamp=False).double()
    found = run(evaluation(**AUTO), model, split).metrics["log_likelihood"]
    assert found.estimator.startswith("importance weighted, 50 samples")
    model.vae.prior = Mog(1, components=4, spread=0.5, log_var=-1.0, clamp=False).double()
    found = run(evaluation(**AUTO), model, split).metrics["log_likelihood"]
    assert found.estimator == "quadrature, 4001 points"


def test_a_grid_that_never_settles_says_so(evaluation, caplog):
    class Steep(Bent):
        def forward(self, z):
            return self.likelihood(torch.sin(900 * z[0]).expand(-1, -1, 2).unsqueeze(2))

    vae = VAE(wrong(1, 2), Steep(1, 0.002), Standard(1)).double()
    x = torch.rand(6, 2, **F64)
    found = run(evaluation(marginal=5), served(vae), Split(x, read=double))
    words = found.metrics["log_likelihood"].estimator
    assert words.startswith("quadrature, 65 points, not settled: ")
    assert words.removeprefix("quadrature, ") in caplog.text


def test_the_number_of_points_is_a_setting(evaluation):
    model, _, split = learned(latent_dim=1)
    found = run(evaluation(marginal=501), model, split).metrics["log_likelihood"]
    assert found.estimator == "quadrature, 501 points"


def test_two_levels_have_none_and_no_latent_has_its_exact_one(evaluation):
    model = TwoLevelGaussian()
    split = Split(model.draw(10), read=double)
    results = run(evaluation(samples=3, **AUTO), model, split)
    assert "log_likelihood" not in results.metrics | results.arrays
    model = LinearGaussian()
    model.vae.decoder.exact = True
    results = run(evaluation(samples=3, **AUTO), model, model.split(10))
    found = results.metrics["log_likelihood"]
    assert (found.value, found.estimator) == (-results.metrics["nll"].value, "exact")


def test_an_example_without_mass_is_refused_by_its_row(evaluation):
    class Narrow(Bent):
        def forward(self, z):
            return Gaussianlike(z[0])

    class Gaussianlike:
        def __init__(self, z):
            self.z = z

        def log_prob(self, x):
            inside = (x < 5).all(-1).expand(self.z.shape[0], -1)
            # Importance sampling's passes have as many latents as examples, the grid's have one.
            return torch.where(inside | (self.z.shape[1] > 1), 0.0, -torch.inf).double()

    x = torch.rand(6, 2, **F64)
    x[3] = 9.0
    vae = VAE(wrong(1, 2), Narrow(1, 1.0), Standard(1)).double()
    with pytest.raises(UserError, match="test row 3: "):
        run(evaluation(**AUTO), served(vae), Split(x, read=double))


@pytest.mark.parametrize("points", [3, 4000, 0, -5])
def test_impossible_numbers_of_points_are_refused(evaluation, points):
    with pytest.raises(UserError, match=rf"evaluation\.marginal={points}: must be an odd number"):
        evaluation(marginal=points)


def test_float32_models_are_as_good_as_their_decoder(evaluation):
    model = LinearGaussian(shift=0.2, widen=1.4, dtype=torch.float32)
    split = model.split(20)
    arrays = run(evaluation(chunk=20_000, **AUTO), model, split).arrays
    assert arrays["log_likelihood"].dtype == torch.float64
    expected = model.log_px(split.x[arrays["index"]]).double()
    assert_close(arrays["log_likelihood"], expected, rtol=0, atol=1e-4)
