"""The LSTM VAE of text against its notes (section 2.1), cell by cell."""

import itertools

import pytest
import torch
from torch.testing import assert_close

from tests.architecture.published import count
from tests.architecture.texts import small, text_model
from tests.laws.components import build, read, sentences
from vaelab.dataset.vocabulary import PAD
from vaelab.errors import UserError
from vaelab.likelihood.bernoulli import Bernoulli


def test_sizes_are_the_papers():
    _, paper = read("architecture", "lstm")
    expected = {"latent_dim": 32, "embedding": 512, "hidden": [1024, 1024], "dropout_in": 0.5}
    expected |= {"dropout_out": 0.5, "max_length": None}
    assert paper == {**expected, "init_weights": 0.01, "init_embeddings": 0.1}
    _, arguments = read("architecture", "lstm_small")
    assert arguments == {**paper, "embedding": 64, "hidden": [128, 128], "init_weights": 0.08}


@pytest.mark.parametrize(
    ("tokens", "sizes", "encoder", "both"),
    [
        (20_001, {}, 16_605_696, 16_605_696 + 37_185_024),  # Yahoo
        (19_997, {}, None, 53_782_528),  # Yelp
        (1004, {"latent_dim": 1, "embedding": 50, "hidden": [50, 50]}, 70_700, 191_750),  # toy
    ],
)
def test_parameter_counts_are_the_notes(tokens, sizes, encoder, both):
    with torch.device("meta"):
        built = text_model("lstm", tokens, **sizes)
    assert count(built.encoder) + count(built.decoder) == both
    assert encoder is None or count(built.encoder) == encoder


def test_initial_values_are_the_notes():
    built = text_model("lstm", 500, embedding=64, hidden=[128, 128])
    for module in (built.encoder, built.decoder):
        for name, parameter in module.named_parameters():
            bound = 0.1 if "embedding" in name else 0.01
            largest = float(parameter.detach().abs().max())
            assert 0.97 * bound < largest <= bound, name
            # A uniform draw's deviation is bound / sqrt(3), within 5 standard errors.
            error = 5 * bound / len(parameter.flatten()) ** 0.5
            assert float(parameter.detach().mean()) == pytest.approx(0, abs=error)
            assert float(parameter.detach().std()) == pytest.approx(bound / 3**0.5, rel=0.1)


def gates(lstm, x, h, c):
    """One step of one row as the formula has it: input, forget, cell and output gates."""
    width = len(h)
    total = lstm.weight_ih_l0 @ x + lstm.bias_ih_l0 + lstm.weight_hh_l0 @ h + lstm.bias_hh_l0
    i, f, g, o = (total[n * width : (n + 1) * width] for n in range(4))
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def naive_log_prob(decoder, sentence, z):
    """log p(x|z) of one sentence and one z; the sum of its terms, and the terms."""
    network = decoder.network
    c = decoder.cell.weight @ z
    h, terms = torch.tanh(c), []
    for token, following in itertools.pairwise(sentence):
        if following == PAD:
            break
        x = torch.cat([network.embedding.weight[token], z])
        h, c = gates(network.lstm, x, h, c)
        logits = network.output.weight @ h
        # PAD, the first of the vocabulary, is not a token.
        terms.append(logits[following] - logits[1:].logsumexp(0))
    return sum(terms), terms


def test_log_prob_is_the_formula_cell_by_cell():
    built = small()
    x = sentences(4)
    z = torch.randn(3, 4, 2, dtype=torch.float64)
    found = built.decoder((z,)).log_prob(x)
    expected = [
        [naive_log_prob(built.decoder, x[b], z[k, b])[0] for b in range(4)] for k in range(3)
    ]
    assert_close(found, torch.stack([torch.stack(row) for row in expected]))


def test_the_posterior_is_linear_in_the_last_output():
    built, x = small(), sentences(4)
    q = built.encoder(x).first
    encoder = built.encoder
    for row, sentence in enumerate(x):
        h = c = torch.zeros(5, dtype=torch.float64)
        for token in sentence[sentence != PAD]:  # BOS and EOS included
            h, c = gates(encoder.lstm, encoder.embedding.weight[token], h, c)
        expected = encoder.head.weight @ h
        assert_close(torch.cat([q.mean[row], q.log_var[row]]), expected)


def test_padding_changes_nothing():
    built, x = small(), sentences(12)
    z = torch.randn(2, 12, 2, dtype=torch.float64)
    wide = torch.cat([x, torch.full((12, 3), PAD)], dim=1)
    together, padded = built.encoder(x).first, built.encoder(wide).first
    log_px = built.decoder((z,)).log_prob(x)
    assert_close(built.decoder((z,)).log_prob(wide), log_px)
    assert_close(padded.mean, together.mean)
    assert len((x != PAD).sum(1).unique()) > 2
    for row, sentence in enumerate(x):
        alone = sentence[sentence != PAD][None]
        q = built.encoder(alone).first
        assert_close(q.mean[0], together.mean[row])
        assert_close(q.log_var[0], together.log_var[row])
        assert_close(built.decoder((z[:, row : row + 1],)).log_prob(alone)[:, 0], log_px[:, row])


def test_samples_at_once_are_samples_one_by_one():
    built, x = small(), sentences(4)
    z = torch.randn(5, 4, 2, dtype=torch.float64)
    together = built.decoder((z,)).log_prob(x)
    for k in range(5):
        assert_close(together[k], built.decoder((z[k : k + 1],)).log_prob(x)[0])


@pytest.mark.parametrize("limit", ["HIDDEN", "LOGITS"])
@pytest.mark.parametrize("rows", [1, 3, 7])
def test_in_pieces_where_no_gradient_is_needed(monkeypatch, limit, rows):
    built, x = small(), sentences(4)
    z = torch.randn(5, 4, 2, dtype=torch.float64)
    whole = built.decoder((z,)).log_prob(x).detach()
    size = rows * 6 * {"HIDDEN": 4, "LOGITS": 11}[limit]  # 6 tokens are predicted
    monkeypatch.setattr(f"vaelab.architecture.autoregressive_sentences.{limit}", size)
    with torch.no_grad():
        assert_close(built.decoder((z,)).log_prob(x), whole)


def test_dropout_falls_on_words_and_outputs_and_not_on_z():
    torch.manual_seed(0)
    built = small(dropout_in=0.4, dropout_out=0.6)
    network = built.decoder.network.train()
    words = network.words(torch.full((50, 40), 5))
    kept = (words != 0).double()
    # Element by element, and what is kept is scaled up: 6000 draws of 0.6.
    assert float(kept.mean()) == pytest.approx(0.6, abs=4.5 * (0.24 / kept.numel()) ** 0.5)
    assert_close(words, kept * network.embedding.weight[5] / 0.6)
    z, (h, cell) = torch.randn(3, 50, 2).double(), torch.randn(2, 3, 50, 4).double()
    out = network.hidden(words, z, h, cell)
    kept = (out != 0).double()
    assert float(kept.mean()) == pytest.approx(0.4, abs=4.5 * (0.24 / kept.numel()) ** 0.5)
    exact = network.eval().hidden(words, z, h, cell)  # z reached the LSTM whole
    assert_close(out, kept * exact / 0.4)


def test_the_encoder_has_no_dropout():
    built, x = small(dropout_in=0.9, dropout_out=0.9), sentences(3)
    expected = built.encoder(x).first.mean
    assert_close(built.encoder.train()(x).first.mean, expected, rtol=0, atol=0)


def test_half_precision_is_close_and_its_densities_are_float32():
    built = small("lstm", latent_dim=2)
    x, z = sentences(4), torch.randn(2, 4, 2)
    exact = built.decoder((z.double(),)).log_prob(x)
    built.encoder.float()
    built.decoder.float()
    with torch.autocast("cpu", torch.bfloat16):
        found = built.decoder((z,)).log_prob(x)
        assert built.encoder(x).first.mean.dtype == torch.float32
        assert built.decoder((z,)).sample().dtype == torch.int64
    assert found.dtype == torch.float32
    assert_close(found.double(), exact, rtol=0.02, atol=0.02)
    found.sum().backward()
    assert float(built.decoder.network.lstm.weight_hh_l0.grad.abs().max()) > 0


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"latent_dim": 0}, r"^architecture\.latent_dim=0: must be at least 1$"),
        ({"hidden": [4, 0]}, r"^architecture\.hidden=0: must be at least 1$"),
        ({"dropout_in": 1.0}, r"^architecture\.dropout_in=1\.0: must be 0 \(none\) or more"),
        ({"dropout_out": -0.1}, r"^architecture\.dropout_out=-0\.1: must be 0"),
        ({"init_weights": 0.0}, r"^architecture\.init_weights=0\.0: must be more than 0$"),
        ({"max_length": 1}, r"^architecture\.max_length=1: must be at least 2, or null$"),
    ],
)
def test_settings_no_network_has_are_refused(setting, words):
    with pytest.raises(UserError, match=words):
        text_model("lstm_small", **setting)


def test_another_likelihood_is_refused():
    with pytest.raises(ValueError, match=r"^needs sentences under likelihood=categorical"):
        build("architecture", "lstm", {"shape": (1, 8, 8), "likelihood": Bernoulli(None)})
