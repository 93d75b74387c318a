"""What the LSTMs of text share (He et al., 2019), 1901.05534, section 2.1 of our notes."""

from collections.abc import Mapping

import torch
from jaxtyping import Float, Integer
from torch import Tensor, nn

from vaelab.errors import UserError
from vaelab.likelihood.base import Likelihood
from vaelab.likelihood.categorical import Categorical


class NextToken(nn.Module):
    """The tokens before and z -> logits of the next token: an LSTM that sees z at every token.

    Dropout falls on the words' embeddings, not on z, and on what the LSTM puts out.

    Args:
        vocabulary: number of tokens.
        embedding: width of a token's embedding.
        latent_dim: dimension of z; 0 where there is none.
        hidden: width of the LSTM.
        dropout_in: share of the embeddings that is dropped.
        dropout_out: share of the LSTM's outputs that is dropped.
        output_bias: whether logits have a bias.
    """

    def __init__(
        self,
        vocabulary: int,
        embedding: int,
        latent_dim: int,
        hidden: int,
        dropout_in: float,
        dropout_out: float,
        output_bias: bool,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.dropout_in = nn.Dropout(dropout_in)
        self.lstm = nn.LSTM(embedding + latent_dim, hidden, batch_first=True)
        self.dropout_out = nn.Dropout(dropout_out)
        self.output = nn.Linear(hidden, vocabulary, bias=output_bias)

    def words(self, tokens: Integer[Tensor, "B T"]) -> Float[Tensor, "B T E"]:
        """What the LSTM sees of the tokens: the same for all samples of z, dropout included."""
        return self.dropout_in(self.embedding(tokens))

    def hidden(
        self,
        words: Float[Tensor, "B T E"],
        z: Float[Tensor, "K B D"],
        h: Float[Tensor, "K B H"],
        cell: Float[Tensor, "K B H"],
    ) -> Float[Tensor, "N T H"]:
        """The LSTM's outputs for all K times B, from its initial output and state."""
        # The product of the words alone could be made once for all K, but then the LSTM is a loop
        # in Python: half as fast at K = 1, and no faster at K = 10 unless it is large.
        words = words.expand(len(z), -1, -1, -1).flatten(0, 1)
        z, h, cell = z.flatten(0, 1), h.flatten(0, 1)[None], cell.flatten(0, 1)[None]
        beside = z.unsqueeze(1).expand(-1, words.shape[1], -1)
        out, _ = self.lstm(torch.cat([words, beside], dim=-1), (h, cell))
        return self.dropout_out(out)

    def step(
        self, tokens: Integer[Tensor, "N"], z: Float[Tensor, "N D"], h: Tensor, cell: Tensor
    ) -> tuple[Float[Tensor, "N V"], Tensor, Tensor]:
        """Logits of the next token, and the new h and cell; no dropout."""
        seen = torch.cat([self.embedding(tokens), z], dim=-1)
        h, cell = torch.lstm_cell(seen, (h, cell), *self.lstm.all_weights[0])
        return self.output(h), h, cell


def initialise(module: nn.Module, weights: float, embeddings: float) -> None:
    """Every parameter U(-weights, weights), biases too; then embeddings U(-embeddings, embeddings).

    The authors' 0.01 and 0.1 suit their widths: in a narrow LSTM what a word adds to the state is
    so small at first that every sentence looks the same.
    """
    for parameter in module.parameters():
        nn.init.uniform_(parameter, -weights, weights)
    for layer in module.modules():
        if isinstance(layer, nn.Embedding):
            nn.init.uniform_(layer.weight, -embeddings, embeddings)


def of_words(likelihood: Likelihood) -> Categorical:
    """The likelihood, if it is one of words.

    Raises:
        ValueError: it is another; the builder puts the option's name in front.
    """
    if not isinstance(likelihood, Categorical):
        raise ValueError("needs sentences under likelihood=categorical; choose a data set of text")
    return likelihood


def check_settings(
    widths: Mapping[str, int],
    dropout: Mapping[str, float],
    max_length: int | None,
    bounds: Mapping[str, float],
) -> None:
    """Refuse settings no network has.

    Raises:
        UserError: a width is below 1, a dropout is not in [0, 1), or a sampled sentence would have
            no room for BOS and EOS.
    """
    for name, width in widths.items():
        if width < 1:
            raise UserError(f"architecture.{name}={width}: must be at least 1")
    for name, share in dropout.items():
        if not 0 <= share < 1:
            raise UserError(f"architecture.{name}={share}: must be 0 (none) or more, and below 1")
    for name, bound in bounds.items():
        if bound <= 0:
            raise UserError(f"architecture.{name}={bound}: must be more than 0")
    if max_length is not None and max_length < 2:
        raise UserError(f"architecture.max_length={max_length}: must be at least 2, or null")
