"""Sentences of the random LSTM against PyTorch's LSTM, plain loops and exact probabilities."""

import math

import numpy as np
import pytest
import torch

from vaelab.dataset.random_lstm import MEANS, RandomLstm
from vaelab.dataset.synthetic_text import SyntheticText
from vaelab.errors import UserError

SMALL = {"num_train": 900, "num_valid": 50, "num_test": 50, "vocabulary": 30}


def test_splits_are_sentences_of_one_length():
    dataset = SyntheticText(**SMALL, length=6)
    splits = dataset.load()
    three = (splits.train, splits.valid, splits.test)
    assert [len(split) for split in three] == [900, 50, 50]
    assert [len(z) for z in dataset.z] == [900, 50, 50]
    assert dataset.shape == (8,)
    assert len(dataset.vocabulary) == 34
    for split in three:
        x = split[torch.arange(len(split))]
        assert x.shape[1] == 8
        assert (x[:, 0] == 1).all()
        assert (x[:, -1] == 2).all()
        assert 4 <= x[:, 1:-1].min() < x[:, 1:-1].max() < 34
        assert split.lengths.eq(8).all()
        assert split.vocabulary is dataset.vocabulary
    assert dataset.vocabulary.text([5, 33, 2]) == "1 29"
    assert SyntheticText().shape == (12,)  # without making 20,000 sentences
    assert len(SyntheticText().vocabulary) == 1_004


def test_the_seed_fixes_model_and_sentences():
    one, again, other = (SyntheticText(**SMALL, seed=seed).draw() for seed in (3, 3, 4))
    assert all((one[key] == again[key]).all() for key in ("words", "z"))
    assert (one["words"] != other["words"]).any()
    assert (one["z"] != other["z"]).any()


def test_points_are_an_equal_mixture_of_four():
    z = torch.cat(SyntheticText(40_000, 10, 10, vocabulary=2, length=1).z)
    assert sorted(MEANS.tolist()) == [[-2, -2], [-2, 2], [2, -2], [2, 2]]
    # A coordinate has mean 0 and variance 1 + 4; its square has mean 5 and, as a coordinate's
    # fourth moment is 3 + 6 * 4 + 16 = 43, variance 43 - 25.
    count = len(z)
    assert (z.mean(0).abs() < 4 * math.sqrt(5 / count)).all()
    assert ((z.square().mean(0) - 5).abs() < 4 * math.sqrt(18 / count)).all()
    # Quadrants: P(x > 0) of either mean averages 1/2, and coordinates are independent.
    quadrant = (z[:, 0] > 0).long() * 2 + (z[:, 1] > 0)
    share = quadrant.bincount() / count
    assert ((share - 0.25).abs() < 4 * math.sqrt(0.25 * 0.75 / count)).all()
    # Within: for x ~ N(2, 1) the squared distance to the nearer of 2 and -2 has the mean
    # 1 + E[8 x; x < 0] = 1 + 8 (2 Phi(-2) - phi(2)) = 0.9321, twice that for both coordinates.
    near = (z[:, None] - torch.from_numpy(MEANS)).square().sum(-1).min(1).values
    assert abs(near.mean() - 2 * 0.9321) < 4 * near.std() / math.sqrt(count)


def test_the_first_word_is_uniform():
    words = SyntheticText(20_000, 10, 10, vocabulary=40, length=1).arrays["words"][:, 0]
    counts = np.bincount(words, minlength=40)
    expected = counts.sum() / 40
    statistic = (np.square(counts - expected) / expected).sum()
    assert abs(statistic - 39) < 4 * math.sqrt(2 * 39)  # chi-square of 39 degrees of freedom


@pytest.fixture(scope="module")
def model():
    return RandomLstm.drawn(np.random.RandomState(5), 50)


def test_weights_have_their_ranges(model):
    for name, weight in vars(model).items():
        bound = {"topic": 5, "bias": 2}.get(name, 1)
        assert np.abs(weight).max() <= bound
        if name != "bias":  # a sum of two is seldom near its ends
            assert np.abs(weight).max() > 0.95 * bound
    sizes = {name: weight.shape for name, weight in vars(model).items()}
    assert sizes["word"] == (400, 100)
    assert sizes["topic"] == (50, 2)


def plain_words(model, z, first, chance):
    """One sentence, a cell and a word at a time, by the formulas as they are written."""

    def sigmoid(x):
        return 1 / (1 + math.exp(-x))

    c = [sum(a * b for a, b in zip(row, z, strict=True)) for row in model.cell]
    h, words = [math.tanh(x) for x in c], [first]
    for u in chance:
        embedded = model.embedding[words[-1]]
        gates = [
            np.dot(model.word[row], embedded)
            + np.dot(model.latent[row], z)
            + np.dot(model.recurrent[row], h)
            + model.bias[row]
            for row in range(400)
        ]
        for unit in range(100):
            i, f, g, o = (gates[unit + 100 * gate] for gate in range(4))
            c[unit] = sigmoid(f) * c[unit] + sigmoid(i) * math.tanh(g)
            h[unit] = sigmoid(o) * math.tanh(c[unit])
        logits = [np.dot(model.output[v], h) + np.dot(model.topic[v], z) for v in range(50)]
        total = sum(math.exp(logit) for logit in logits)
        below, word = 0.0, 0
        while below + math.exp(logits[word]) / total < u:
            below += math.exp(logits[word]) / total
            word += 1
        words.append(word)
    return words


def test_sentences_are_those_of_a_plain_loop(model):
    draws = np.random.RandomState(6)
    z, first, chance = draws.normal(size=(5, 2)), np.arange(5), draws.random_sample((5, 4))
    found = model.sentences(z, first, chance)
    for row in range(5):
        assert found[row].tolist() == plain_words(model, z[row], first[row], chance[row])


def test_later_words_follow_the_softmax_of_pytorchs_lstm(model):
    """Words drawn with other noise are no more and no less likely than the exact probabilities."""
    draws, count, length = np.random.RandomState(7), 2_000, 6
    z = MEANS[draws.randint(4, size=count)] + draws.standard_normal((count, 2))
    words = model.sentences(
        z, draws.randint(50, size=count), draws.random_sample((count, length - 1))
    )
    weights = {name: torch.from_numpy(weight) for name, weight in vars(model).items()}
    lstm = torch.nn.LSTM(102, 100, batch_first=True).double()
    lstm.weight_ih_l0.data = torch.cat([weights["word"], weights["latent"]], 1)
    lstm.weight_hh_l0.data = weights["recurrent"]
    lstm.bias_ih_l0.data, lstm.bias_hh_l0.data = weights["bias"], torch.zeros(400).double()
    x, z = torch.from_numpy(words), torch.from_numpy(z)
    c0 = z @ weights["cell"].T
    entered = torch.cat([weights["embedding"][x[:, :-1]], z[:, None].expand(-1, length - 1, 2)], 2)
    with torch.no_grad():
        h, _ = lstm(entered, (c0.tanh()[None], c0[None]))
    logits = h @ weights["output"].T + (z @ weights["topic"].T)[:, None]
    probability = logits.softmax(-1)
    # How often each word comes, at each place, against the sum of its probabilities.
    came = torch.nn.functional.one_hot(x[:, 1:], 50).double()
    spread = (probability * (1 - probability)).sum(0).sqrt()
    assert ((came - probability).sum(0).abs() < 5 * spread + 5).all()
    # And each word given its own sentence: the mean of log p is the mean of minus the entropy.
    log_p = probability.clamp_min(1e-300).log()
    entropy = -(probability * log_p).sum(-1)
    variance = (probability * log_p.square()).sum(-1) - entropy.square()
    score = (came * log_p).sum(-1) + entropy
    error = score.sum() / variance.sum().sqrt()
    assert abs(error) < 4
    assert entropy.mean() > 0.5  # or there would be nothing to draw


@pytest.mark.parametrize("name", ["num_train", "num_valid", "num_test", "vocabulary", "length"])
def test_sizes_must_be_positive(name):
    with pytest.raises(UserError, match=rf"dataset.{name} must be above 0 \(got 0\)"):
        SyntheticText(**{name: 0})
