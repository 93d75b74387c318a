"""Sentences token by token: steps against teacher forcing, and what is drawn."""

import itertools

import pytest
import torch
from torch.testing import assert_close

from tests.architecture.texts import small, text_model
from tests.laws.components import sentences
from vaelab.dataset.vocabulary import BOS, EOS, PAD
from vaelab.stepwise import Stepwise, unroll

OPTIONS = pytest.mark.parametrize("option", ["lstm", "lstm_savae", "lstm_lm"])


def latents(built, samples, batch):
    return torch.randn(samples, batch, built.latent_dims[0], dtype=torch.float64)


@OPTIONS
def test_steps_add_up_to_the_teacher_forced_log_prob_even_in_training_mode(option):
    built, x = small(option), sentences(4)
    model = built.decoder((latents(built, 3, 4),))
    expected = model.log_prob(x)
    built.decoder.train()  # a sentence is never drawn with dropout
    assert isinstance(model, Stepwise)
    state, rows = model.start(), x.repeat(3, 1)
    total = torch.zeros(12, dtype=torch.float64)
    for t in range(6):
        log_probs, state = model.step(rows[:, t], state)
        assert_close(log_probs.exp().sum(-1), torch.ones(12).double())
        assert bool((log_probs[:, PAD] == -torch.inf).all())
        term = log_probs.gather(1, rows[:, t + 1, None])[:, 0]
        total += torch.where(rows[:, t + 1] == PAD, 0.0, term)
    assert_close(total.view(3, 4), expected)


@OPTIONS
def test_all_sentences_of_a_tiny_vocabulary_have_mass_one_with_those_cut_short(option):
    built = small(option, tokens=5)
    every = [
        [BOS, *words, EOS] for n in range(3) for words in itertools.product((1, 3, 4), repeat=n)
    ]
    every += [[BOS, *words] for words in itertools.product((1, 3, 4), repeat=3)]
    x = torch.tensor([row + [PAD] * (4 - len(row)) for row in every])
    z = latents(built, 1, 1).expand(1, len(x), -1)
    mass = built.decoder((z,)).log_prob(x).detach().exp().sum()
    assert float(mass) == pytest.approx(1, abs=1e-12)


@OPTIONS
def test_draws_are_sentences_with_the_model_s_probabilities(option):
    built = small(option, tokens=5, max_length=3, scale=1.0)
    z = latents(built, 1, 1).expand(2, 10_000, -1)
    torch.manual_seed(0)
    drawn = built.decoder((z,)).sample()
    assert drawn.shape == (2, 10_000, 3)
    assert drawn.dtype == torch.int64
    found, counts = drawn.flatten(0, 1).unique(dim=0, return_counts=True)
    p = built.decoder((z[:1, : len(found)],)).log_prob(found)[0].exp().detach()
    assert len(found) == 1 + 3 + 9  # and nothing after EOS but PAD
    error = (20_000 * p * (1 - p)).sqrt()
    assert float(((counts - 20_000 * p) / error).abs().max()) < 4.5


def test_a_draw_is_as_long_as_the_data_s_unless_told_otherwise():
    z = torch.randn(2, 3, 32)
    for settings, longest in (({}, 12), ({"max_length": 5}, 5)):
        drawn = text_model("lstm_small", **settings).decoder((z,)).sample()
        assert drawn.shape == (2, 3, longest)
        assert bool((drawn[..., 0] == BOS).all())


def test_a_draw_ends_once_every_sentence_has_ended():
    built = small()
    model = built.decoder((latents(built, 1, 3),))
    tokens = unroll(model, lambda log_probs: torch.tensor([EOS, 5, 5][-len(log_probs) :]), 4)
    assert tokens.tolist() == [[BOS, EOS, PAD, PAD], [BOS, 5, 5, 5], [BOS, 5, 5, 5]]
    assert unroll(model, lambda log_probs: torch.full((3,), EOS), 9).tolist() == [[BOS, EOS]] * 3


def test_no_gradient_flows_through_draws():
    built = small()
    z = latents(built, 1, 3).requires_grad_()
    assert not built.decoder((z,)).sample().requires_grad
