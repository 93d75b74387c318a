"""Sentences in and out of a model."""

import pytest
import torch
from torch import nn

from tests.architecture.texts import small
from vaelab.dataset.vocabulary import BOS, EOS, PAD, UNK, Vocabulary
from vaelab.errors import UserError
from vaelab.evaluation import sentences
from vaelab.evaluation.sentences import Decoding, read, texts, unknown, write
from vaelab.model import VAE
from vaelab.prior.standard import Standard

WORDS = Vocabulary(["a", "b", "c", "d", "e", "f", "g"])


@pytest.mark.parametrize("decoding", [Decoding("greedy"), Decoding("beam", width=3)])
def test_a_part_at_a_time_is_the_same_as_all_at_once(monkeypatch, decoding):
    built = small("lstm", scale=1.5)
    vae = VAE(built.encoder, built.decoder, Standard(2))
    torch.manual_seed(1)
    z = (2 * torch.randn(1, 23, 2, dtype=torch.float64),)
    whole = write(vae, z, decoding, WORDS)
    assert whole.shape[0] == 23
    assert len(whole.unique(dim=0)) > 3
    monkeypatch.setattr(sentences, "PIECE", 5 * len(WORDS) * decoding.rows)
    assert torch.equal(write(vae, z, decoding, WORDS), whole)
    assert not ((whole == PAD).all(0)).any()  # no wider than the longest


def test_a_decoder_that_writes_no_words_is_refused():
    class Images(nn.Module):
        def forward(self, z):
            return object()

    vae = VAE(nn.Identity(), Images(), Standard(2))  # pyright: ignore
    with pytest.raises(UserError, match="Images does not write sentences word by word"):
        write(vae, (torch.zeros(1, 3, 2),), Decoding("greedy"), WORDS)


def test_own_sentences_are_read_as_the_data_are():
    found = read(["b  a zebra", "<unk>"], WORDS)
    assert found[torch.arange(2)].tolist() == [[BOS, 5, 4, UNK, EOS], [BOS, UNK, EOS, PAD, PAD]]
    assert read(["B a"], WORDS, lower=True).x.tolist() == [[BOS, 5, 4, EOS]]
    assert texts(found.x, WORDS) == ["b a <unk>", "<unk>"]


def test_words_that_are_not_known_are_named_once():
    assert unknown(["a zebra b", "two zebra <unk>"], WORDS) == ["zebra", "two"]
    assert unknown(["A b"], WORDS) == ["A"]
    assert unknown(["A b"], WORDS, lower=True) == []


@pytest.mark.parametrize("word", ["<s>", "</s>", "<pad>"])
def test_marks_are_no_words(word):
    with pytest.raises(UserError, match=f"{word} has a meaning of its own"):
        read(["a b", f"a {word}"], WORDS)


def test_how_sentences_were_chosen_is_said():
    said = [str(Decoding("greedy")), str(Decoding("beam", 7)), str(Decoding("sampled", 5, 0.5))]
    assert said == ["decoded greedily", "decoded by a beam of 7", "drawn at temperature 0.5"]
