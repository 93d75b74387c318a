"""Laws of every likelihood: total mass one, sampled as it is evaluated, at least float32."""

import pytest
import torch
from torch.testing import assert_close

from tests.laws.components import TOY_TEXT, assert_zero_mean, build, options
from vaelab.dataset.vocabulary import PAD
from vaelab.traits import Trait

# The paper's closed edge bins lose mass by design (tests/likelihood): the law holds without.
NORMALISED = {"discretized_logistic": {"open_edges": True, "floor": 0.0}}
LIKELIHOODS = pytest.mark.parametrize("option", options("likelihood"))


def likelihood(option):
    return build("likelihood", option, {"dataset": TOY_TEXT}, **NORMALISED.get(option, {}))


def support(built):
    """Every value of one element and the volume it stands for."""
    if not built.discrete:
        return torch.arange(-60, 60, 0.01, dtype=torch.float64), 0.01
    if Trait.BINARY in built.needs:
        return torch.tensor([0.0, 1.0], dtype=torch.float64), 1.0
    if Trait.UNIT_INTERVAL in built.needs:
        return (torch.arange(256, dtype=torch.float64) + 0.5) / 256, 1.0
    if Trait.TOKENS in built.needs:
        return torch.tensor([t for t in range(built.num_params) if t != PAD]), 1.0
    raise NotImplementedError("say in support which values an element can take")


def parameters(built, samples, batch, *event, scale=1.5):
    return scale * torch.randn(samples, batch, built.num_params, *event, dtype=torch.float64)


@LIKELIHOODS
def test_mass_of_one_element_is_one(option):
    built = likelihood(option)
    values, volume = support(built)
    params = parameters(built, 5, 1, 1)
    log_prob = built(params.expand(-1, len(values), -1, -1)).log_prob(values[:, None])
    assert_close((log_prob.exp() * volume).sum(1), torch.ones(5).double(), rtol=0, atol=1e-7)


@LIKELIHOODS
def test_mass_of_an_event_of_two_elements_is_one(option):
    built = likelihood(option)
    values, volume = support(built)
    if not built.discrete:
        values, volume = values[::20], volume * 20
    pairs = torch.cartesian_prod(values, values)
    params = parameters(built, 1, 1, 2)
    log_prob = built(params.expand(-1, len(pairs), -1, -1)).log_prob(pairs)
    assert float(log_prob.exp().sum()) * volume**2 == pytest.approx(1, abs=1e-6)


@LIKELIHOODS
def test_samples_have_the_frequencies_of_the_density(option):
    built = likelihood(option)
    values, volume = support(built)
    params = parameters(built, 1, 1, 1)
    mass = built(params.expand(-1, len(values), -1, -1)).log_prob(values[:, None])[0].exp() * volume
    draws = built(params.expand(40_000, 1, -1, -1)).sample().flatten()
    if Trait.UNIT_INTERVAL in built.needs:
        # A draw stands for its bin, wherever in it the draw lies.
        values, draws = (values * 256).floor() / 256, (draws * 256).floor() / 256
    assert_zero_mean(draws - (mass * values).sum())
    assert_zero_mean(draws.square() - (mass * values.square()).sum())
    assert_zero_mean(torch.cos(5 * draws) - (mass * torch.cos(5 * values)).sum())
    cut = 4.3 if Trait.TOKENS in built.needs else 0.3  # with values on either side
    assert_zero_mean((draws > cut).double() - mass[values > cut].sum())
    if built.discrete:
        expected = 40_000 * mass
        likely = expected > 20
        counts = (draws[:, None] == values[likely]).sum(0)
        z = (counts - expected[likely]) / (expected[likely] * (1 - mass[likely])).sqrt()
        assert float(z.abs().max()) < 4.5


@LIKELIHOODS
def test_samples_and_means_have_the_shape_of_the_batch(option):
    built = likelihood(option)
    p = built(parameters(built, 3, 2, 1, 4, 5))
    assert p.sample().shape == (3, 2, 1, 4, 5)
    if p.mean is not None:
        assert p.mean.shape == (3, 2, 1, 4, 5)
    values, _ = support(built)
    x = values[torch.randint(len(values), (2, 1, 4, 5))]
    assert p.log_prob(x).shape == (3, 2)


@LIKELIHOODS
def test_every_sample_and_example_is_evaluated_on_its_own(option):
    built = likelihood(option)
    params = parameters(built, 3, 2, 4)
    values, _ = support(built)
    x = values[torch.randint(len(values), (2, 4))]
    together = built(params).log_prob(x)
    for k in range(3):
        for b in range(2):
            alone = built(params[k : k + 1, b : b + 1]).log_prob(x[b : b + 1])
            assert_close(together[k, b], alone[0, 0])
            each = [
                built(params[k : k + 1, b : b + 1, :, i : i + 1]).log_prob(x[b : b + 1, i : i + 1])
                for i in range(4)
            ]
            assert_close(together[k, b], torch.stack(each).sum())  # summed, not averaged


@LIKELIHOODS
def test_half_precision_parameters_give_float32_densities(option):
    built = likelihood(option)
    params = parameters(built, 3, 2, 784)
    values, _ = support(built)
    x = values[torch.randint(len(values), (2, 784))]
    half = built(params.bfloat16())
    single = x.float() if x.is_floating_point() else x
    assert half.log_prob(single).dtype == torch.float32
    exact = built(params.bfloat16().double()).log_prob(x)
    assert exact.dtype == torch.float64
    error = (half.log_prob(single).double() - exact).abs() / exact.abs()
    assert float(error.max()) < 1e-5


@LIKELIHOODS
def test_gradients_to_the_parameters_are_finite_differences(option):
    built = likelihood(option)
    params = parameters(built, 2, 2, 3, scale=0.5)
    params[:, :, 1:] -= 1.0  # predicted scales stay off the kink of their clamp
    values, _ = support(built)
    x = values[torch.randint(len(values), (2, 3))]
    params.requires_grad_()
    assert torch.autograd.gradcheck(lambda p: built(p).log_prob(x), (params,))
    gradient = torch.autograd.grad(built(params).log_prob(x).sum(), params)[0]
    if Trait.TOKENS in built.needs:  # PAD has no probability, whatever its logit
        assert float(gradient[:, :, PAD].abs().max()) < 1e-12
        gradient = gradient[:, :, torch.arange(built.num_params) != PAD]
    assert float(gradient.abs().min()) > 0
