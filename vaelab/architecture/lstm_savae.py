"""The LSTM VAE of Semi-Amortized Variational Autoencoders (Kim et al., 2018), 1802.02550.

As in the authors' code (section 3.1 of our notes): the posterior and the next token's logits have
biases, and z gives the LSTM's output before the first word while its state there is 0.
"""

import torch
from torch import nn

from vaelab.architecture.autoregressive_sentences import AutoregressiveSentences
from vaelab.architecture.base import Architecture, Decoder
from vaelab.architecture.lstm import LstmEncoder
from vaelab.architecture.lstm_layers import NextToken, check_settings, initialise, of_words
from vaelab.likelihood.base import Likelihood
from vaelab.likelihood.categorical import Categorical
from vaelab.posterior import Latents
from vaelab.traits import Trait


class LstmSavaeDecoder(Decoder):
    """z -> p(x|z): z is mapped to the LSTM's first output and stands beside every word."""

    autoregressive = True

    def __init__(
        self, network: NextToken, latent_dim: int, likelihood: Categorical, max_length: int
    ) -> None:
        super().__init__()
        self.network = network
        self.first = nn.Linear(latent_dim, network.lstm.hidden_size)
        self.likelihood = likelihood
        self.max_length = max_length

    def forward(self, z: Latents) -> AutoregressiveSentences:
        """p(x|z) with batch [K, B]."""
        (top,) = z
        h = self.first(top)
        cell = torch.zeros_like(h)
        return AutoregressiveSentences(self.network, top, h, cell, self.likelihood, self.max_length)


class LstmSavae(Architecture):
    """An LSTM on either side of one latent level.

    Args:
        shape: (tokens of the longest training sentence,).
        likelihood: categorical.
        latent_dim: dimension of z.
        embedding: width of the words' embeddings; encoder and decoder have their own.
        hidden: widths of the encoder's and of the decoder's LSTM.
        dropout_in: share of the decoder's word embeddings that is dropped.
        dropout_out: share of the decoder's LSTM outputs that is dropped.
        max_length: tokens of a sampled sentence at most, BOS and EOS included; null: `shape`'s.
        init_weights: bound of the uniform draws of all parameters.
    """

    offers = frozenset({Trait.LOCAL_POSTERIOR, Trait.ENCODER, Trait.TOP_POSTERIOR, Trait.SENTENCES})
    needs = frozenset({Trait.TOKENS})

    def __init__(
        self,
        shape: tuple[int, ...],
        likelihood: Likelihood,
        latent_dim: int,
        embedding: int,
        hidden: tuple[int, int],
        dropout_in: float,
        dropout_out: float,
        max_length: int | None,
        init_weights: float,
    ) -> None:
        encoder_width, decoder_width = hidden
        check_settings(
            {"latent_dim": latent_dim, "embedding": embedding, "hidden": min(hidden)},
            {"dropout_in": dropout_in, "dropout_out": dropout_out},
            max_length,
            {"init_weights": init_weights},
        )
        words = of_words(likelihood)
        vocabulary = words.num_params
        self.latent_dims = (latent_dim,)
        self.encoder = LstmEncoder(vocabulary, embedding, encoder_width, latent_dim, True)
        network = NextToken(
            vocabulary, embedding, latent_dim, decoder_width, dropout_in, dropout_out, True
        )
        self.decoder = LstmSavaeDecoder(network, latent_dim, words, max_length or shape[0])
        initialise(self.encoder, init_weights, init_weights)
        initialise(self.decoder, init_weights, init_weights)
