"""The synthetic experiment's VAE of *Semi-Amortized Variational Autoencoders* (Kim et al., 2018).

1802.02550, section 3.3 of our notes: an LSTM reads a sentence; the generator has the form of the
model that made the data, the oracle, and either is the oracle or learns. Initial values are those
of the authors' text model, since those of this experiment are not known.
"""

from typing import Any, Literal

import numpy as np
import torch

from vaelab.architecture.affine_sentences import AffineSentences, NextWord
from vaelab.architecture.base import Architecture, Decoder
from vaelab.architecture.lstm import LstmEncoder
from vaelab.architecture.lstm_layers import check_settings, initialise, of_words
from vaelab.dataset.base import Dataset
from vaelab.dataset.vocabulary import BOS, SPECIALS
from vaelab.likelihood.base import Likelihood
from vaelab.posterior import Latents
from vaelab.traits import Trait


class LstmAffineDecoder(Decoder):
    """z -> p(x|z)."""

    autoregressive = True

    def __init__(self, network: NextWord, length: int) -> None:
        super().__init__()
        self.network = network
        self.length = length

    def forward(self, z: Latents) -> AffineSentences:
        """p(x|z) with batch [K, B]."""
        return AffineSentences(self.network, z[0], self.length)


class LstmAffine(Architecture):
    """An LSTM reads, an LSTM whose logits are affine in z writes.

    Args:
        dataset: of sentences that all have one length; for generator=oracle the oracle's own.
        likelihood: categorical.
        generator: "learned", or "oracle": the decoder has the weights that made the data, and
            keeps them.
        latent_dim: dimension of z.
        embedding: width of the words' embeddings; encoder and decoder have their own.
        hidden: widths of the encoder's and of the decoder's LSTM.
        init_weights: bound of the uniform draws of all parameters that are learned.
    """

    offers = frozenset({Trait.LOCAL_POSTERIOR, Trait.ENCODER, Trait.TOP_POSTERIOR, Trait.SENTENCES})
    needs = frozenset({Trait.TOKENS})

    def __init__(
        self,
        dataset: Dataset,
        likelihood: Likelihood,
        generator: Literal["learned", "oracle"],
        latent_dim: int,
        embedding: int,
        hidden: tuple[int, int],
        init_weights: float,
    ) -> None:
        check_settings(
            {"latent_dim": latent_dim, "embedding": embedding, "hidden": min(hidden)},
            {},
            None,
            {"init_weights": init_weights},
        )
        length = getattr(dataset, "length", None)
        if length is None:
            raise ValueError(
                "needs sentences that all have one length; choose dataset=oracle_text or "
                "dataset=synthetic_text"
            )
        tokens = of_words(likelihood).num_params
        encoder_width, decoder_width = hidden
        self.latent_dims = (latent_dim,)
        self.encoder = LstmEncoder(tokens, embedding, encoder_width, latent_dim, True)
        network = NextWord(tokens, embedding, decoder_width, latent_dim)
        self.decoder = LstmAffineDecoder(network, length)
        initialise(self.encoder, init_weights, init_weights)
        initialise(self.decoder, init_weights, init_weights)
        if generator == "oracle":
            imitate(network, getattr(dataset, "oracle", None))


def imitate(network: NextWord, oracle: Any) -> None:
    """Give a network the weights of the data set's oracle, for good.

    Raises:
        ValueError: there is no oracle, or it has another size.
    """
    if oracle is None:
        raise ValueError(
            "generator=oracle needs data whose model is known; choose dataset=oracle_text"
        )
    embedding = np.zeros(tuple(network.embedding.weight.shape[:1]) + oracle.embedding.shape[1:])
    # The oracle's first symbol is its start; no other special token comes in front of a word.
    embedding[[BOS, *range(len(SPECIALS), len(embedding))]] = oracle.embedding
    weights: dict[str, np.ndarray] = {
        "embedding.weight": embedding,
        "lstm.weight_ih_l0": oracle.word,
        "lstm.weight_hh_l0": oracle.recurrent,
        "lstm.bias_ih_l0": oracle.bias,
        "lstm.bias_hh_l0": np.zeros_like(oracle.bias),
        "output.weight": oracle.output,
        "output.bias": oracle.level,
        "topic.weight": oracle.topic,
    }
    own = dict(network.named_parameters())
    for name, weight in weights.items():
        if own[name].shape != weight.shape:
            raise ValueError(
                "generator=oracle needs the oracle's sizes: "
                f"latent_dim={oracle.topic.shape[1]}, embedding={oracle.embedding.shape[1]} and "
                f"hidden=[.., {oracle.output.shape[1]}]"
            )
        with torch.no_grad():
            own[name].copy_(torch.from_numpy(weight))
        own[name].requires_grad_(False)
