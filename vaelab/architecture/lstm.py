"""The LSTM VAE of Lagging Inference Networks (He et al., 2019), 1901.05534, section 4.

An LSTM reads a sentence, another writes it; sizes, dropout and initial values are those of the
authors' code (section 2.1 of our notes).
"""

import torch
from jaxtyping import Integer
from torch import Tensor, nn

from vaelab.architecture.autoregressive_sentences import AutoregressiveSentences
from vaelab.architecture.base import Architecture, Decoder, Encoder
from vaelab.architecture.lstm_layers import (
    NextToken,
    check_settings,
    initialise,
    of_words,
)
from vaelab.dataset.vocabulary import PAD
from vaelab.likelihood.base import Likelihood
from vaelab.likelihood.categorical import Categorical
from vaelab.posterior import GaussianPosterior, Latents
from vaelab.traits import Trait


class LstmEncoder(Encoder):
    """x -> N(z; mean, exp(log_var)), linear in the LSTM's last output. No dropout."""

    def __init__(
        self, vocabulary: int, embedding: int, hidden: int, latent_dim: int, bias: bool
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.lstm = nn.LSTM(embedding, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 2 * latent_dim, bias=bias)

    def forward(self, x: Integer[Tensor, "B T"]) -> GaussianPosterior:
        """The posterior of a batch; the last output is EOS's, which does not see the PAD after."""
        out, (h, _) = self.lstm(self.embedding(x))
        h = h[0]
        # A GPU is not asked, because the answer would be waited for.
        if x.device.type != "cpu" or bool((x[:, -1] == PAD).any()):
            last = (x != PAD).sum(1) - 1
            h = out.gather(1, last[:, None, None].expand(-1, 1, out.shape[-1]))[:, 0]
        mean, log_var = self.head(h).chunk(2, dim=-1)
        return GaussianPosterior(mean, log_var)


class LstmDecoder(Decoder):
    """z -> p(x|z): z gives the LSTM's initial state and stands beside every word."""

    autoregressive = True

    def __init__(
        self, network: NextToken, latent_dim: int, likelihood: Categorical, max_length: int
    ) -> None:
        super().__init__()
        self.network = network
        self.cell = nn.Linear(latent_dim, network.lstm.hidden_size, bias=False)
        self.likelihood = likelihood
        self.max_length = max_length

    def forward(self, z: Latents) -> AutoregressiveSentences:
        """p(x|z) with batch [K, B]."""
        (top,) = z
        cell = self.cell(top)
        h = torch.tanh(cell)
        return AutoregressiveSentences(self.network, top, h, cell, self.likelihood, self.max_length)


class Lstm(Architecture):
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
        init_weights: bound of the uniform draws of all parameters but embeddings.
        init_embeddings: bound of theirs.
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
        init_embeddings: float,
    ) -> None:
        encoder_width, decoder_width = hidden
        check_settings(
            {"latent_dim": latent_dim, "embedding": embedding, "hidden": min(hidden)},
            {"dropout_in": dropout_in, "dropout_out": dropout_out},
            max_length,
            {"init_weights": init_weights, "init_embeddings": init_embeddings},
        )
        words = of_words(likelihood)
        vocabulary = words.num_params
        self.latent_dims = (latent_dim,)
        self.encoder = LstmEncoder(vocabulary, embedding, encoder_width, latent_dim, False)
        network = NextToken(
            vocabulary, embedding, latent_dim, decoder_width, dropout_in, dropout_out, False
        )
        self.decoder = LstmDecoder(network, latent_dim, words, max_length or shape[0])
        initialise(self.encoder, init_weights, init_embeddings)
        initialise(self.decoder, init_weights, init_embeddings)
