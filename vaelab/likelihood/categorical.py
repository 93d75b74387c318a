"""Words of a sentence from logits over the vocabulary."""

import torch
from jaxtyping import Float, Integer
from torch import Tensor

from vaelab.dataset.base import Dataset
from vaelab.dataset.vocabulary import PAD
from vaelab.distribution import at_least_float32
from vaelab.likelihood.base import Likelihood
from vaelab.likelihood.words import word_log_probs
from vaelab.traits import Trait


class CategoricalTokens:
    """p(x|z) = prod_t softmax(logits_t)[x_t] over all tokens but PAD.

    PAD says that there is no token: it has no probability and costs nothing. (The authors' softmax
    counts PAD as a word; what it gets there, training takes away.)
    """

    mean = None  # numbers of words have no average

    def __init__(self, logits: Float[Tensor, "K B *event V"]) -> None:
        self.logits = logits

    def log_probs(self) -> Float[Tensor, "K B *event V"]:
        """Log-probability in nats of every token; PAD's is -inf."""
        free = self.logits.clone()
        free[..., PAD] = -torch.inf
        return free.log_softmax(-1)

    def log_prob(self, x: Integer[Tensor, "B *event"]) -> Float[Tensor, "K B"]:
        """Log-probability in nats, summed over the tokens that are not PAD."""
        each = word_log_probs(self.logits, x.expand(self.logits.shape[:-1]))
        return each.masked_fill(x == PAD, 0.0).flatten(2).sum(-1)

    def sample(self) -> Integer[Tensor, "K B *event"]:
        """One token for each element, never PAD."""
        p = self.log_probs().exp()
        return torch.multinomial(p.flatten(0, -2), 1).view(p.shape[:-1])


class Categorical(Likelihood):
    """One of a vocabulary's tokens for each element; int64.

    Args:
        dataset: one with a `vocabulary`.
    """

    discrete = True
    needs = frozenset({Trait.TOKENS})

    def __init__(self, dataset: Dataset) -> None:
        # Data without words are refused by what they do not offer, in words.
        self.num_params = len(getattr(dataset, "vocabulary", ()))

    def __call__(self, params: Float[Tensor, "K B V *event"]) -> CategoricalTokens:
        """Logits to tokens; no copy where they are stored with V last."""
        return CategoricalTokens(at_least_float32(params).movedim(2, -1))
