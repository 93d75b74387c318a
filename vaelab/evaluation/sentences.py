"""Sentences out of latents, and into them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Integer
from torch import Tensor

from vaelab.dataset.tokens import TokenSplit, token_split
from vaelab.dataset.vocabulary import PAD, SPECIALS, Vocabulary
from vaelab.errors import UserError
from vaelab.evaluation.decoding import beam, greedy, sampled
from vaelab.model import VAE
from vaelab.posterior import Latents
from vaelab.stepwise import Stepwise

PIECE = 2**24  # numbers that one step's log-probabilities may hold (64 MiB)

How = Literal["greedy", "sampled", "beam"]


@runtime_checkable
class Sentences(Stepwise, Protocol):
    """p(x|z) that is written token by token, `max_length` tokens at most (BOS and EOS included)."""

    max_length: int


@dataclass(frozen=True)
class Decoding:
    """How a sentence is chosen from p(x|z).

    Attributes:
        how: the likeliest token at each step, a draw, or the likeliest sentence of a beam search.
        width: of the beam.
        temperature: of the draw: tokens have probability proportional to p^(1 / temperature).
    """

    how: How
    width: int = 5
    temperature: float = 1.0

    def __call__(self, model: Sentences) -> Integer[Tensor, "N T"]:
        """Rows [BOS, words, EOS, PAD, ...]; one that reached the model's limit has no EOS."""
        if self.how == "greedy":
            return greedy(model, model.max_length)
        if self.how == "sampled":
            return sampled(model, self.temperature, model.max_length)
        return beam(model, self.width, model.max_length)

    def __str__(self) -> str:
        if self.how == "greedy":
            return "decoded greedily"
        if self.how == "sampled":
            return "drawn" + (
                f" at temperature {self.temperature:g}" if self.temperature != 1 else ""
            )
        return f"decoded by a beam of {self.width}"

    @property
    def rows(self) -> int:
        """Hypotheses of one sentence."""
        return self.width if self.how == "beam" else 1


@torch.no_grad()
def write(
    vae: VAE, z: Latents, decoding: Decoding, vocabulary: Vocabulary
) -> Integer[Tensor, "N T"]:
    """A sentence for each latent of one sample, [1, N, D_l] a level, a part at a time; on the CPU.

    Args:
        vae: in evaluation mode; noise comes from torch's global generator.
        z: the latents.
        decoding: how each sentence is chosen.
        vocabulary: of the data.

    Raises:
        UserError: the decoder does not write sentences token by token.
    """
    size = max(1, PIECE // (len(vocabulary) * decoding.rows))
    parts = []
    for rows in torch.arange(z[0].shape[1], device=z[0].device).split(size):
        model = vae.decoder(tuple(level[:, rows] for level in z))
        if not isinstance(model, Sentences):
            raise UserError(f"{type(vae.decoder).__name__} does not write sentences word by word")
        parts.append(decoding(model).cpu())
    longest = max(part.shape[1] for part in parts)
    return torch.cat([F.pad(part, (0, longest - part.shape[1]), value=PAD) for part in parts])


def texts(tokens: Integer[Tensor, "N T"], vocabulary: Vocabulary) -> list[str]:
    """Words of each row up to its end."""
    return [vocabulary.text(row) for row in tokens.tolist()]


def read(sentences: Sequence[str], vocabulary: Vocabulary, lower: bool = False) -> TokenSplit:
    """Sentences of the user's as data; with `lower` in lower case.

    Raises:
        UserError: one has no words, or a word that marks a sentence's end.
    """
    encoded = []
    for sentence in sentences:
        words = split(sentence, lower)
        if not words:
            raise UserError(f'"{sentence}" has no words')
        if marks := [word for word in words if word in SPECIALS and word != "<unk>"]:
            raise UserError(f"{marks[0]} has a meaning of its own; take it out of the sentence")
        encoded.append(vocabulary.encode(words))
    return token_split(encoded, vocabulary, 0)


def unknown(sentences: Sequence[str], vocabulary: Vocabulary, lower: bool = False) -> list[str]:
    """Their words that `read` makes UNK, each once."""
    words = [word for sentence in sentences for word in split(sentence, lower)]
    return [word for word in dict.fromkeys(words) if word not in vocabulary.numbers]


def split(sentence: str, lower: bool) -> list[str]:
    """Words between white space."""
    return (sentence.lower() if lower else sentence).split()
