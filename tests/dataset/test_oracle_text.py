"""Sentences of the oracle against a plain loop, closed-form moments and exact probabilities."""

import math

import numpy as np
import pytest
import torch

from vaelab.dataset.oracle_lstm import OracleLstm
from vaelab.dataset.oracle_text import OracleText
from vaelab.errors import UserError

SMALL = {"num_train": 900, "num_valid": 50, "num_test": 60, "vocabulary": 30}
# Of seed 3, as first drawn: they may never change.
FIRST = [[24, 24, 24, 24, 24], [11, 11, 3, 21, 22]]
TOPIC = [-4.425865199160363, -3.876815534248715]


def test_splits_are_sentences_of_one_length():
    dataset = OracleText(**SMALL, length=6)
    splits = dataset.load()
    three = (splits.train, splits.valid, splits.test)
    assert [len(split) for split in three] == [900, 50, 60]
    assert [tuple(z.shape) for z in dataset.z] == [(900, 2), (50, 2), (60, 2)]
    for split in three:
        x = split[torch.arange(len(split))]
        assert x.shape[1] == 8
        assert (x[:, 0] == 1).all()
        assert (x[:, -1] == 2).all()
        assert 4 <= x[:, 1:-1].min() < x[:, 1:-1].max() < 34
        assert split.lengths.eq(8).all()
        assert split.vocabulary is dataset.vocabulary
    x = splits.train[torch.tensor([0])][0]
    assert dataset.vocabulary.text(x.tolist()).split() == [str(int(token) - 4) for token in x[1:-1]]
    whole = OracleText()  # without making 15,000 sentences
    assert whole.shape == (7,)
    assert (whole.words, len(whole.vocabulary), whole.sizes) == (1_000, 1_004, (5_000,) * 3)


def test_the_seed_fixes_model_and_sentences():
    one, again, other = (OracleText(**SMALL, seed=seed) for seed in (3, 3, 4))
    assert all((one.draw()[key] == again.draw()[key]).all() for key in ("words", "z"))
    assert (one.draw()["words"] != other.draw()["words"]).any()
    assert (one.oracle.topic == again.oracle.topic).all()
    assert (one.oracle.topic != other.oracle.topic).any()
    assert one.draw()["words"][:2].tolist() == FIRST
    assert one.oracle.topic[0].tolist() == pytest.approx(TOPIC, abs=1e-15)


def test_points_are_standard_normal():
    z = torch.cat(OracleText(20_000, 10, 10, vocabulary=2, length=1).z)
    count = len(z)
    assert (z.mean(0).abs() < 4 / math.sqrt(count)).all()
    # x^2 has variance 2, x^4 the mean 3 and variance 96, x y the variance 1.
    assert ((z.square().mean(0) - 1).abs() < 4 * math.sqrt(2 / count)).all()
    assert ((z.pow(4).mean(0) - 3).abs() < 4 * math.sqrt(96 / count)).all()
    assert abs(z.prod(1).mean()) < 4 / math.sqrt(count)


@pytest.fixture(scope="module")
def oracle():
    return OracleLstm.drawn(np.random.RandomState(5), 50)


def test_weights_have_their_ranges(oracle):
    for name, weight in vars(oracle).items():
        bound = {"topic": 5, "bias": 2}.get(name, 1)
        assert np.abs(weight).max() <= bound
        if name != "bias":  # a sum of two is seldom near its ends
            assert np.abs(weight).max() > 0.95 * bound
    sizes = {name: weight.shape for name, weight in vars(oracle).items()}
    assert sizes["embedding"] == (51, 100)
    assert sizes["word"] == sizes["recurrent"] == (400, 100)
    assert (sizes["output"], sizes["level"], sizes["topic"]) == ((50, 100), (50,), (50, 2))


def plain_words(oracle, z, chance):
    """One sentence, a cell and a word at a time, by the formulas as they are written."""

    def sigmoid(x):
        return 1 / (1 + math.exp(-x))

    h, c = np.zeros(100), np.zeros(100)
    words, symbol = [], 0
    for u in chance:
        gates = oracle.word @ oracle.embedding[symbol] + oracle.recurrent @ h + oracle.bias
        h = h.copy()
        for unit in range(100):
            i, f, g, o = (gates[unit + 100 * gate] for gate in range(4))
            c[unit] = sigmoid(f) * c[unit] + sigmoid(i) * math.tanh(g)
            h[unit] = sigmoid(o) * math.tanh(c[unit])
        p = [math.exp(w @ h + b + a @ z) for w, b, a in
             zip(oracle.output, oracle.level, oracle.topic, strict=True)]  # fmt: skip
        below, word = p[0] / sum(p), 0
        while below < u:
            word += 1
            below += p[word] / sum(p)
        words.append(word)
        symbol = word + 1
    return words


def test_sentences_are_those_of_a_plain_loop(oracle, monkeypatch):
    monkeypatch.setattr("vaelab.dataset.oracle_lstm.CHUNK", 4)
    draws = np.random.RandomState(6)
    z, chance = draws.normal(size=(10, 2)), draws.random_sample((10, 5))
    expected = [plain_words(oracle, z[row], chance[row]) for row in range(10)]
    assert oracle.sentences(z, chance).tolist() == expected
    assert len({tuple(words) for words in expected}) == 10


@pytest.mark.parametrize("name", ["num_train", "num_valid", "num_test", "vocabulary", "length"])
def test_sizes_must_be_positive(name):
    with pytest.raises(UserError, match=rf"dataset.{name} must be above 0 \(got 0\)"):
        OracleText(**{name: 0})
