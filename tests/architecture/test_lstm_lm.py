"""The LSTM language model: the LSTM VAE's decoder without z."""

import itertools

import pytest
import torch
from torch.testing import assert_close

from tests.architecture.published import count
from tests.architecture.test_lstm import gates
from tests.architecture.texts import small, text_model
from tests.laws.components import read, sentences
from vaelab.dataset.vocabulary import PAD
from vaelab.errors import UserError


def test_sizes_are_the_papers():
    _, arguments = read("architecture", "lstm_lm")
    expected = {"embedding": 512, "hidden": 1024, "dropout_in": 0.5, "dropout_out": 0.5}
    expected |= {"init_weights": 0.01, "init_embeddings": 0.1}
    assert arguments == {**expected, "max_length": None, "output_bias": False}
    with torch.device("meta"):
        built = text_model("lstm_lm", 20_001)
    # The VAE's decoder less z: its 32 columns of the gates and the map to the initial state.
    assert count(built.decoder) == 37_185_024 - 32 * 4096 - 32 * 1024
    assert count(built.encoder) == 0


def test_with_a_bias_it_is_savaes():
    with torch.device("meta"):
        built = text_model("lstm_lm", 20_001, output_bias=True)
    assert count(built.decoder) == 37_041_185


@pytest.mark.parametrize("output_bias", [False, True])
def test_log_prob_is_the_formula_from_a_state_of_zeros(output_bias):
    built, x = small("lstm_lm", output_bias=output_bias), sentences(4)
    z = torch.empty(2, 4, 0, dtype=torch.float64)
    found = built.decoder((z,)).log_prob(x)
    network = built.decoder.network
    for row, sentence in enumerate(x):
        h = c = torch.zeros(4, dtype=torch.float64)
        total = 0.0
        for token, following in itertools.pairwise(sentence):
            h, c = gates(network.lstm, network.embedding.weight[token], h, c)
            logits = network.output.weight @ h + (network.output.bias if output_bias else 0)
            if following != PAD:
                total += logits[following] - logits[1:].logsumexp(0)
        assert_close(found[:, row], total.expand(2))


def test_widths_below_one_are_refused():
    with pytest.raises(UserError, match=r"^architecture\.embedding=0: must be at least 1$"):
        text_model("lstm_lm", embedding=0)
