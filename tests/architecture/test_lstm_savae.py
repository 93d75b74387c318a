"""SA-VAE's LSTM VAE against its notes (1802.02550, section 3.1), cell by cell."""

import itertools

import pytest
import torch
from torch.testing import assert_close

from tests.architecture.published import count
from tests.architecture.test_lstm import gates
from tests.architecture.texts import small, text_model
from tests.laws.components import build, read, sentences
from vaelab.dataset.vocabulary import PAD
from vaelab.errors import UserError
from vaelab.likelihood.bernoulli import Bernoulli

F64 = {"dtype": torch.float64}


def test_sizes_are_the_papers():
    _, paper = read("architecture", "lstm_savae")
    expected = {"latent_dim": 32, "embedding": 512, "hidden": [1024, 1024], "dropout_in": 0.5}
    assert paper == {**expected, "dropout_out": 0.5, "max_length": None, "init_weights": 0.1}
    with torch.device("meta"):
        built = text_model("lstm_savae", 20_001)
    assert (count(built.encoder), count(built.decoder)) == (16_605_760, 37_206_049)


def test_all_initial_values_are_uniform_up_to_a_tenth():
    built = text_model("lstm_savae", 500, embedding=64, hidden=[128, 128])
    for module in (built.encoder, built.decoder):
        for name, parameter in module.named_parameters():
            values, few = parameter.detach(), parameter.numel() < 1000
            assert (0.09 if few else 0.097) < float(values.abs().max()) <= 0.1, name
            assert float(values.mean()) == pytest.approx(0, abs=0.5 / values.numel() ** 0.5)
            assert float(values.std()) == pytest.approx(0.1 / 3**0.5, rel=0.2 if few else 0.1)


def naive_log_prob(decoder, sentence, z):
    """log p(x|z) of one sentence and one z, token by token."""
    network = decoder.network
    h, c = decoder.first.weight @ z + decoder.first.bias, torch.zeros(4, **F64)
    total = 0.0
    for token, following in itertools.pairwise(sentence):
        if following == PAD:
            break
        h, c = gates(network.lstm, torch.cat([network.embedding.weight[token], z]), h, c)
        logits = network.output.weight @ h + network.output.bias
        total += logits[following] - logits[1:].logsumexp(0)  # PAD, the first, is not a token
    return total


def test_log_prob_is_the_formula_cell_by_cell():
    built, x = small("lstm_savae"), sentences(4)
    z = torch.randn(3, 4, 2, **F64)
    found = built.decoder((z,)).log_prob(x)
    expected = [[naive_log_prob(built.decoder, x[b], z[k, b]) for b in range(4)] for k in range(3)]
    assert_close(found, torch.stack([torch.stack(row) for row in expected]))


def test_the_posterior_is_linear_in_the_last_output():
    built, x = small("lstm_savae"), sentences(4)
    encoder, q = built.encoder, built.encoder(x).first
    for row, sentence in enumerate(x):
        h = c = torch.zeros(5, **F64)
        for token in sentence[sentence != PAD]:  # BOS and EOS included
            h, c = gates(encoder.lstm, encoder.embedding.weight[token], h, c)
        expected = encoder.head.weight @ h + encoder.head.bias
        assert_close(torch.cat([q.mean[row], q.log_var[row]]), expected)


def test_log_prob_can_be_differentiated_twice_in_z_and_the_parameters():
    """Refinement differentiates its own gradients, in training mode too."""
    built, x = small("lstm_savae", dropout_in=0.5, dropout_out=0.5), sentences(2)
    built.decoder.train()
    z = torch.randn(1, 2, 2, **F64, requires_grad=True)
    names = [f"of.{name}" for name, _ in built.decoder.named_parameters()]

    def log_px(z, *parameters):
        torch.manual_seed(1)  # the same dropout
        given = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(Total(built.decoder, x), given, (z,))

    parameters = list(built.decoder.parameters())
    assert torch.autograd.gradgradcheck(log_px, (z, *parameters), fast_mode=True)


class Total(torch.nn.Module):
    """z -> the sum of log p(x|z)."""

    def __init__(self, decoder, x):
        super().__init__()
        self.of, self.x = decoder, x

    def forward(self, z):
        return self.of((z,)).log_prob(self.x).sum()


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"latent_dim": 0}, r"^architecture\.latent_dim=0: must be at least 1$"),
        ({"hidden": [4, 0]}, r"^architecture\.hidden=0: must be at least 1$"),
        ({"dropout_out": 1.0}, r"^architecture\.dropout_out=1\.0: must be 0 \(none\) or more"),
        ({"init_weights": 0.0}, r"^architecture\.init_weights=0\.0: must be more than 0$"),
        ({"max_length": 1}, r"^architecture\.max_length=1: must be at least 2, or null$"),
    ],
)
def test_settings_no_network_has_are_refused(setting, words):
    with pytest.raises(UserError, match=words):
        text_model("lstm_savae", **setting)


def test_another_likelihood_is_refused():
    with pytest.raises(ValueError, match=r"^needs sentences under likelihood=categorical"):
        build("architecture", "lstm_savae", {"shape": (1, 8, 8), "likelihood": Bernoulli(None)})
