"""p(x|z) of sentences token by token: what sampling and decoding need, and the loop they share."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Integer
from torch import Tensor

from vaelab.dataset.vocabulary import BOS, EOS, PAD

State = tuple[Tensor, ...]
"""What is remembered of the tokens so far, and z: tensors whose first axis is the sentences, so
that rows may be left out, repeated or put in another order."""

Choose = Callable[[Float[Tensor, "N V"]], Integer[Tensor, "N"]]


@runtime_checkable
class Stepwise(Protocol):
    """p(x|z) of N sentences; no dropout, whatever mode the network is in."""

    def start(self) -> State:
        """Before the first token, one row for each z; of K samples, the first of all B first."""
        ...

    def step(self, tokens: Integer[Tensor, "N"], state: State) -> tuple[Tensor, State]:
        """Log-probabilities [N, V] of the token after these (PAD's is -inf), and the new state."""
        ...


@torch.no_grad()
def unroll(model: Stepwise, choose: Choose, max_length: int) -> Integer[Tensor, "N T"]:
    """BOS, then what `choose` makes of each step's log-probabilities, to EOS; PAD after it.

    Args:
        model: of N sentences.
        choose: the next token of each; asked of those that have ended too, and not heard.
        max_length: tokens of a sentence at most, BOS and EOS included; a longer one has no EOS.
    """
    state = model.start()
    tokens = state[0].new_full((len(state[0]), max_length), PAD, dtype=torch.int64)
    tokens[:, 0] = BOS
    unfinished = torch.ones_like(tokens[:, 0], dtype=torch.bool)
    length = 1
    while length < max_length and bool(unfinished.any()):
        log_probs, state = model.step(tokens[:, length - 1], state)
        chosen = choose(log_probs)
        tokens[:, length] = torch.where(unfinished, chosen, PAD)
        unfinished &= chosen != EOS
        length += 1
    return tokens[:, :length]


def draw(log_probs: Float[Tensor, "N V"], temperature: float = 1.0) -> Integer[Tensor, "N"]:
    """One token of each row, with probability proportional to p^(1 / temperature)."""
    return torch.multinomial((log_probs / temperature).softmax(-1), 1)[:, 0]
