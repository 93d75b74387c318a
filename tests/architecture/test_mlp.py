"""The gated MLP against the facts of VampPrior's authors' code."""

import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from tests.laws.components import ToyData, build, read
from vaelab.architecture.layers import GatedDense
from vaelab.errors import UserError
from vaelab.model import VAE
from vaelab.optimizer.normalised_adam import NormalisedAdam
from vaelab.traits import Trait

MNIST, FREY = (1, 28, 28), (1, 28, 20)


def architecture(shape=MNIST, likelihood="bernoulli", **settings):
    provided = {"shape": shape, "likelihood": build("likelihood", likelihood)}
    return build("architecture", "mlp", provided, **settings)


def model(shape, likelihood, prior, **prior_settings):
    built = architecture(shape, likelihood)
    data = ToyData(shape, (Trait.IMAGE, Trait.UNIT_INTERVAL))
    provided = {"shape": shape, "dataset": data, "latent_dim": built.latent_dims[0]}
    return VAE(built.encoder, built.decoder, build("prior", prior, provided, **prior_settings))


# Section 2.5 of the notes, counted there on the authors' classes.
@pytest.mark.parametrize(
    ("shape", "likelihood", "prior", "components", "count"),
    [
        (MNIST, "bernoulli", "standard", 0, 1_116_864),
        (MNIST, "bernoulli", "vamp", 500, 1_508_864),
        (MNIST, "bernoulli", "vamp", 1000, 1_900_864),
        (MNIST, "bernoulli", "mog", 500, 1_116_864 + 2 * 500 * 40),
        (MNIST, "discretized_logistic", "standard", 0, 1_352_848),
        (MNIST, "discretized_logistic", "vamp", 500, 1_744_848),
        (FREY, "discretized_logistic", "standard", 0, 1_083_600),
        (FREY, "discretized_logistic", "vamp", 500, 1_363_600),
    ],
)
def test_parameter_counts_are_the_authors(shape, likelihood, prior, components, count):
    vae = model(shape, likelihood, prior, components=components)
    assert sum(p.numel() for p in vae.parameters()) == count


def test_a_gated_layer_is_a_linear_branch_times_a_gate():
    layer = GatedDense(3, 2).double()
    x = torch.randn(4, 3, dtype=torch.float64)
    linear = x @ layer.linear.weight.T + layer.linear.bias
    gate = 1 / (1 + torch.exp(-(x @ layer.gate.weight.T + layer.gate.bias)))
    assert_close(layer(x), linear * gate)


def test_log_variances_are_clamped_to_minus_6_and_2():
    built = architecture((1, 2, 2), latent_dim=5, hidden=[4])
    encoder = built.encoder
    with torch.no_grad():
        encoder.log_var.weight.zero_()
        encoder.log_var.bias.copy_(torch.tensor([-100.0, -6.5, -1.0, 2.5, 100.0]))
        encoder.mean.bias.copy_(torch.tensor([-100.0, -6.5, -1.0, 2.5, 100.0]))
        encoder.mean.weight.zero_()
    q = encoder(torch.rand(3, 1, 2, 2)).first
    assert q.log_var[1].tolist() == [-6.0, -6.0, -1.0, 2.0, 2.0]
    assert q.mean[1].tolist() == [-100.0, -6.5, -1.0, 2.5, 100.0]


@pytest.mark.parametrize(
    ("init", "variance"),
    [
        ("he", lambda fan_in, _: 2 / fan_in),
        ("glorot", lambda fan_in, fan_out: 2 / (fan_in + fan_out)),
        ("default", lambda fan_in, _: 1 / (3 * fan_in)),  # uniform within 1 / sqrt(fan_in)
    ],
)
def test_weights_start_with_the_variance_of_their_initialisation(init, variance):
    torch.manual_seed(0)
    built = architecture(likelihood="discretized_logistic", init=init)
    layers = [m for part in (built.encoder, built.decoder) for m in part.modules()]
    layers = [layer for layer in layers if isinstance(layer, nn.Linear)]
    assert len(layers) == 6 + 6  # two branches of two gated layers and two heads, on both sides
    for layer in layers:
        fan_out, fan_in = layer.weight.shape
        count = layer.weight.numel()
        std = math.sqrt(variance(fan_in, fan_out))
        assert float(layer.weight.detach().std()) == pytest.approx(std, rel=5 / math.sqrt(count))
        assert float(layer.weight.detach().mean()) == pytest.approx(
            0, abs=5 * std / math.sqrt(count)
        )
        assert float(layer.bias.detach().abs().max()) <= 1 / math.sqrt(fan_in)  # torch's own
        assert float(layer.bias.detach().abs().max()) > 0


def test_each_parameter_of_the_likelihood_is_a_tensor_of_its_own_to_the_optimizer():
    """VampPrior normalises gradients by tensor: a fused head would share one norm."""
    torch.manual_seed(0)
    vae = model((1, 4, 4), "discretized_logistic", "standard")
    x = torch.rand(5, 1, 4, 4)
    (-vae.terms(x, vae.encoder(x), 1).log_w().mean()).backward()
    optimizer = NormalisedAdam(vae.parameters(), 1e-3, (0.9, 0.999), 1e-8, 0.0)
    optimizer.step()
    heads = [p for p in vae.decoder.parameters() if p.shape == (16, 300)]
    assert len(heads) == 2
    for head in heads:
        assert float(head.grad.norm()) == pytest.approx(1, abs=1e-4)


def test_heads_give_the_likelihoods_parameters_in_order():
    built = architecture((1, 2, 3), "discretized_logistic", latent_dim=2, hidden=[4], init="he")
    mean, log_scale = [m for m in built.decoder.modules() if getattr(m, "out_features", 0) == 6]
    with torch.no_grad():
        for layer in (mean, log_scale):
            layer.weight.zero_()
        mean.bias.copy_(torch.arange(6.0) / 2)
        log_scale.bias.copy_(-torch.arange(6.0) / 2)
    p = built.decoder((torch.randn(2, 3, 2),))
    assert_close(p.mean[1, 2, 0], torch.sigmoid(torch.arange(6.0) / 2).view(2, 3))
    assert_close(p.log_scale[1, 2, 0], (-torch.arange(6.0) / 2).view(2, 3))


def test_the_yaml_is_the_papers():
    _, arguments = read("architecture", "mlp")
    assert arguments == {"latent_dim": 40, "hidden": [300, 300], "init": "he"}


@pytest.mark.parametrize("settings", [{"latent_dim": 0}, {"hidden": []}, {"hidden": [3, 0]}])
def test_sizes_below_one_are_refused(settings):
    with pytest.raises(UserError, match=r"architecture\.latent_dim=.*architecture\.hidden="):
        architecture(**settings)


def test_one_level_has_no_lower_density():
    with pytest.raises(TypeError, match="MlpDecoder has one latent level"):
        architecture((1, 2, 2)).decoder.lower((torch.zeros(1, 1, 40),))
