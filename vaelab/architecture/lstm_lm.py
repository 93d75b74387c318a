"""The LSTM language model that Lagging Inference Networks compare with (He et al., 2019).

1901.05534; section 4.6 of our notes: the LSTM VAE's decoder without z, from a state of zeros. With
`output_bias` and initial values up to 0.1 it is that of SA-VAE (Kim et al., 2018), 1802.02550.
"""

from jaxtyping import Float
from torch import Tensor

from vaelab.architecture.autoregressive_sentences import AutoregressiveSentences
from vaelab.architecture.base import Architecture, Decoder
from vaelab.architecture.latent_free import NoEncoder
from vaelab.architecture.lstm_layers import NextToken, check_settings, initialise, of_words
from vaelab.likelihood.base import Likelihood
from vaelab.likelihood.categorical import Categorical
from vaelab.posterior import Latents
from vaelab.traits import Trait


class LstmLmDecoder(Decoder):
    """p(x), whatever z of no dimensions."""

    autoregressive = True
    exact = True

    def __init__(self, network: NextToken, likelihood: Categorical, max_length: int) -> None:
        super().__init__()
        self.network = network
        self.likelihood = likelihood
        self.max_length = max_length

    def forward(self, z: Latents) -> AutoregressiveSentences:
        """p(x) with batch [K, B], evaluated K times: with one dropout of words, K of outputs."""
        (top,) = z
        h = cell = self.zeros(top)
        return AutoregressiveSentences(self.network, top, h, cell, self.likelihood, self.max_length)

    def zeros(self, z: Float[Tensor, "K B 0"]) -> Float[Tensor, "K B H"]:
        """The LSTM's initial state, in the weights' type."""
        weight = self.network.output.weight
        return weight.new_zeros(*z.shape[:2], self.network.lstm.hidden_size)


class LstmLm(Architecture):
    """An LSTM language model: log p(x) is exact.

    Every bound equals it in evaluation mode; in training, dropout differs between samples.

    Args:
        shape: (tokens of the longest training sentence,).
        likelihood: categorical.
        embedding: width of the words' embeddings.
        hidden: width of the LSTM.
        dropout_in: share of the word embeddings that is dropped.
        dropout_out: share of the LSTM's outputs that is dropped.
        max_length: tokens of a sampled sentence at most, BOS and EOS included; null: `shape`'s.
        init_weights: bound of the uniform draws of all parameters but embeddings.
        init_embeddings: bound of theirs.
        output_bias: whether logits have a bias.
    """

    latent_dims = (0,)
    offers = frozenset({Trait.SENTENCES})
    needs = frozenset({Trait.TOKENS})

    def __init__(
        self,
        shape: tuple[int, ...],
        likelihood: Likelihood,
        embedding: int,
        hidden: int,
        dropout_in: float,
        dropout_out: float,
        max_length: int | None,
        init_weights: float,
        init_embeddings: float,
        output_bias: bool = False,
    ) -> None:
        check_settings(
            {"embedding": embedding, "hidden": hidden},
            {"dropout_in": dropout_in, "dropout_out": dropout_out},
            max_length,
            {"init_weights": init_weights, "init_embeddings": init_embeddings},
        )
        words = of_words(likelihood)
        network = NextToken(
            words.num_params, embedding, 0, hidden, dropout_in, dropout_out, output_bias
        )
        self.encoder = NoEncoder()
        self.decoder = LstmLmDecoder(network, words, max_length or shape[0])
        initialise(self.decoder, init_weights, init_embeddings)
