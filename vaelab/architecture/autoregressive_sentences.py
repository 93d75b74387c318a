"""p(x|z) whose tokens see the tokens before them, evaluated at once and sampled one by one."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Integer
from torch import Tensor

from vaelab.architecture.lstm_layers import NextToken
from vaelab.dataset.vocabulary import PAD
from vaelab.likelihood.categorical import Categorical, CategoricalTokens
from vaelab.stepwise import State, draw, unroll

HIDDEN, LOGITS = 2**25, 2**24  # numbers held at a time where no gradient is needed (64 MiB)


class AutoregressiveSentences:
    """p(x|z) = prod_t p(x_t | x_before_t, z), an ObservationModel and Stepwise.

    Sentences begin with BOS, which is given, and end with EOS; PAD after it costs nothing.

    Args:
        network: from the tokens before and z to the next token.
        z: one for each sample and sentence.
        h: the LSTM's output before the first token, for each z.
        cell: its state there.
        likelihood: p(x_t) given its parameters.
        max_length: tokens of a sampled sentence at most, BOS and EOS included.
    """

    mean = None  # numbers of words have no average

    def __init__(
        self,
        network: NextToken,
        z: Float[Tensor, "K B D"],
        h: Float[Tensor, "K B H"],
        cell: Float[Tensor, "K B H"],
        likelihood: Categorical,
        max_length: int,
    ) -> None:
        self.network = network
        self.z = z
        self.h = h
        self.cell = cell
        self.likelihood = likelihood
        self.max_length = max_length

    def log_prob(self, x: Integer[Tensor, "B T"]) -> Float[Tensor, "K B"]:
        """Log-likelihood in nats of sentences that are known, by teacher forcing."""
        words, targets = self.network.words(x[:, :-1]), x[:, 1:]
        if torch.is_grad_enabled():
            return self.of(words, targets, self.z, self.h, self.cell)
        # Thousands of samples and sentences may come at once, and their states are wide.
        samples, batch = self.z.shape[:2]
        rows = max(1, HIDDEN // (targets.shape[1] * self.cell.shape[-1]))
        parts = [
            torch.cat(
                [
                    self.of(words[b], targets[b], self.z[k, b], self.h[k, b], self.cell[k, b])
                    for b in parts_of(batch, rows)
                ],
                dim=1,
            )
            for k in parts_of(samples, max(1, rows // batch))
        ]
        return torch.cat(parts)

    def of(
        self,
        words: Float[Tensor, "b T E"],
        targets: Integer[Tensor, "b T"],
        z: Float[Tensor, "k b D"],
        h: Float[Tensor, "k b H"],
        cell: Float[Tensor, "k b H"],
    ) -> Float[Tensor, "k b"]:
        """Log-likelihood of some sentences under some of their samples."""
        out = self.network.hidden(words, z, h, cell)
        targets = targets.expand(len(z), -1, -1).flatten(0, 1)
        # Logits are wider still: a few sentences' at a time.
        rows = max(1, LOGITS // (targets.shape[1] * self.network.output.out_features))
        if torch.is_grad_enabled() or rows >= len(out):
            log_px = self.next(self.network.output(out)).log_prob(targets)[0]
        else:
            parts = zip(out.split(rows), targets.split(rows), strict=True)
            log_px = torch.cat([self.next(self.network.output(o)).log_prob(x)[0] for o, x in parts])
        return log_px.view(z.shape[:2])

    def sample(self) -> Integer[Tensor, "K B T"]:
        """One draw for each z, [BOS ... EOS PAD ...], as wide as the longest that may be drawn."""
        tokens = unroll(self, draw, self.max_length)
        padded = F.pad(tokens, (0, self.max_length - tokens.shape[1]), value=PAD)
        return padded.unflatten(0, self.z.shape[:2])

    def start(self) -> State:
        """(h, cell, z) of every z."""
        # Under autocast they may be in half precision and the weights are not.
        like = self.network.output.weight
        h, cell, z = (one.flatten(0, 1).to(like.dtype) for one in (self.h, self.cell, self.z))
        return h, cell, z

    def step(self, tokens: Integer[Tensor, "N"], state: State) -> tuple[Tensor, State]:
        """Log-probabilities [N, V] of the token after these, and the new (h, cell, z)."""
        h, cell, z = state
        with torch.autocast(tokens.device.type, enabled=False):
            logits, h, cell = self.network.step(tokens, z, h, cell)
            return self.next(logits).log_probs()[0], (h, cell, z)

    def next(self, logits: Float[Tensor, "N *T V"]) -> CategoricalTokens:
        """p(x_t) of every row, one sample [1, N]."""
        return self.likelihood(logits[None].movedim(-1, 2))


def parts_of(total: int, size: int) -> list[slice]:
    """0 to `total`, at most `size` at a time."""
    return [slice(start, start + size) for start in range(0, total, size)]
