"""Decoding against loops and against every sentence there is."""

import itertools

import pytest
import torch

from tests.architecture.texts import small
from vaelab.dataset.vocabulary import BOS, EOS, PAD
from vaelab.errors import UserError
from vaelab.evaluation.decoding import beam, greedy, sampled

# Large weights: sentences differ in probability and in length.
SCALE = 2.0


def model_of(count, option="lstm", tokens=6, seed=1):
    built = small(option, tokens, scale=SCALE)
    torch.manual_seed(seed)
    z = 2 * torch.randn(1, count, built.latent_dims[0], dtype=torch.float64)
    return built.decoder, z


def every_sentence(words, length):
    """All that end within `length` tokens, BOS and EOS included, as padded rows."""
    rows = [
        [BOS, *middle, EOS]
        for n in range(length - 1)
        for middle in itertools.product(words, repeat=n)
    ]
    return torch.tensor([row + [PAD] * (length - len(row)) for row in rows])


def naive_greedy(decoder, z, length):
    """One sentence, by teacher forcing all prefixes with every next token."""
    tokens = [BOS]
    while len(tokens) < length and tokens[-1] != EOS:
        options = torch.tensor([[*tokens, token] for token in range(1, 6)])
        scores = decoder((z.expand(1, len(options), -1),)).log_prob(options)[0]
        tokens.append(1 + int(scores.argmax()))
    return tokens


def rows(tokens):
    """Sentences without their padding."""
    return [[token for token in row if token != PAD] for row in tokens.tolist()]


@pytest.mark.parametrize("length", [2, 7])
def test_greedy_is_a_naive_loop(length):
    decoder, z = model_of(20)
    found = greedy(decoder((z,)), max_length=length)
    assert found.dtype == torch.int64
    expected = [naive_greedy(decoder, z[:, b : b + 1], length) for b in range(20)]
    assert rows(found) == expected
    assert found.shape[1] == max(map(len, expected))
    if length == 7:  # sentences of several lengths, and one that has no end
        assert len({len(row) for row in expected}) > 2


@pytest.mark.parametrize("length", [3, 8])
def test_a_beam_of_one_is_greedy(length):
    decoder, z = model_of(20)
    model = decoder((z,))
    assert rows(beam(model, 1, length)) == rows(greedy(model, length))


@pytest.mark.parametrize("option", ["lstm", "lstm_lm"])
def test_a_beam_as_wide_as_all_sentences_finds_the_likeliest(option):
    decoder, z = model_of(6, option)
    every = every_sentence((1, 3, 4, 5), 5)
    scores = torch.stack(
        [decoder((z[:, b : b + 1].expand(1, len(every), -1),)).log_prob(every)[0] for b in range(6)]
    )
    found = beam(decoder((z,)), 5**4, 5)
    assert rows(found) == rows(every[scores.argmax(1)])
    if option == "lstm":  # a greedy search misses some
        assert rows(greedy(decoder((z,)), 5)) != rows(found)


def naive_beam(decoder, z, width, length):
    """One sentence with lists, as the authors' code searches: what ends leaves the beam."""
    live, ended = [([BOS], 0.0)], []
    while live and len(live[0][0]) < length:
        grown = []
        for tokens, _ in live:
            options = torch.tensor([[*tokens, token] for token in range(1, 6)])
            scores = decoder((z.expand(1, len(options), -1),)).log_prob(options)[0].tolist()
            grown += zip(options.tolist(), scores, strict=True)
        best = sorted(grown, key=lambda one: -one[1])[: width - len(ended)]
        ended += [one for one in best if one[0][-1] == EOS]
        live = [one for one in best if one[0][-1] != EOS]
    return max(ended or live, key=lambda one: one[1])[0]


@pytest.mark.parametrize("width", [2, 3, 5, 20])  # 20: more than there are at first
def test_a_beam_is_a_naive_search(width):
    decoder, z = model_of(12)
    expected = [naive_beam(decoder, z[:, b : b + 1], width, 6) for b in range(12)]
    assert rows(beam(decoder((z,)), width, 6)) == expected


def test_sentences_are_decoded_on_their_own():
    decoder, z = model_of(5)
    together = rows(beam(decoder((z,)), 3, 8))
    alone = [rows(beam(decoder((z[:, b : b + 1],)), 3, 8))[0] for b in range(5)]
    assert together == alone


def test_samples_of_z_come_one_after_the_other():
    decoder, z = model_of(4)
    pairs = z.view(2, 2, -1)
    assert rows(greedy(decoder((pairs,)), 8)) == rows(greedy(decoder((z,)), 8))


@pytest.mark.parametrize("temperature", [1.0, 0.5, 2.0])
def test_draws_have_the_probabilities_of_tempered_steps(temperature):
    decoder, z = model_of(1)
    count, length = 20_000, 3
    model = decoder((z.expand(1, count, -1),))
    found, counts = sampled(model, temperature, length).unique(dim=0, return_counts=True)
    log_p = torch.zeros(len(found), dtype=torch.float64)
    one = decoder((z.expand(1, len(found), -1),))
    state, over = one.start(), torch.zeros(len(found), dtype=torch.bool)
    for t in range(length - 1):
        log_probs, state = one.step(found[:, t], state)
        p = log_probs[:, 1:].exp() ** (1 / temperature)
        following = (found[:, t + 1] - 1).clamp(min=0)[:, None]
        log_p += torch.where(
            over, 0.0, (p / p.sum(1, keepdim=True)).gather(1, following)[:, 0].log()
        )
        over |= found[:, t + 1] == EOS
    p = log_p.exp().detach()
    assert 0.99 < float(p.sum()) < 1 + 1e-9
    if temperature == 1:
        assert torch.allclose(log_p, one.log_prob(found)[0])
    likely = count * p > 20
    z_score = (counts - count * p) / (count * p * (1 - p)).sqrt()
    assert float(z_score[likely].abs().max()) < 4.5


def test_settings_that_mean_nothing_are_refused():
    decoder, z = model_of(1)
    with pytest.raises(UserError, match=r"^temperature=0\.0: must be above 0$"):
        sampled(decoder((z,)), 0.0)
    with pytest.raises(UserError, match=r"^width=0: must be at least 1$"):
        beam(decoder((z,)), 0)
