"""p(x|z) of sentences of a known length, whose words depend on z through the logits alone."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Integer
from torch import Tensor, nn

from vaelab.dataset.vocabulary import EOS, SPECIALS
from vaelab.distribution import at_least_float32
from vaelab.stepwise import State, draw, unroll

# Logits held at a time where no gradient is needed: what a CPU's cache takes, three times as fast.
HELD, HELD_ON_GPU = 2**17, 2**24


class NextWord(nn.Module):
    """The tokens before and z -> logits of the next word: those of an LSTM, plus U z.

    Args:
        tokens: of the vocabulary, the specials included.
        embedding: width of a token's embedding.
        hidden: width of the LSTM, which starts from zeros.
        latent_dim: dimension of z.
    """

    def __init__(self, tokens: int, embedding: int, hidden: int, latent_dim: int) -> None:
        super().__init__()
        words = tokens - len(SPECIALS)
        self.embedding = nn.Embedding(tokens, embedding)
        self.lstm = nn.LSTM(embedding, hidden, batch_first=True)
        self.output = nn.Linear(hidden, words)
        self.topic = nn.Linear(latent_dim, words, bias=False)

    def logits(self, tokens: Integer[Tensor, "B T"]) -> Float[Tensor, "B T W"]:
        """Without what z adds."""
        return at_least_float32(self.output(self.lstm(self.embedding(tokens))[0]))

    def topics(self, z: Float[Tensor, "*n D"]) -> Float[Tensor, "*n W"]:
        """What z adds to the logits of every word."""
        return at_least_float32(self.topic(z))


class AffineSentences:
    """p(x|z) = prod_t p(x_t | x_before_t, z) over the words, an ObservationModel and Stepwise.

    Every sentence has `length` words: that it ends there is known and costs nothing. BOS is given,
    and no other special token has mass.

    Args:
        network: from the tokens before and z to the next word.
        z: one for each sample and sentence.
        length: words of a sentence.
    """

    mean = None  # numbers of words have no average

    def __init__(self, network: NextWord, z: Float[Tensor, "K B D"], length: int) -> None:
        self.network = network
        self.z = z
        self.length = length
        self.max_length = length + 2

    def log_prob(self, x: Integer[Tensor, "B T"]) -> Float[Tensor, "K B"]:
        """Log-likelihood in nats of sentences of that length, by teacher forcing.

        The LSTM does not see z and runs once for all samples.
        """
        logits = self.network.logits(x[:, : self.length])
        words = x[:, 1 : 1 + self.length] - len(SPECIALS)
        if torch.is_grad_enabled():
            return self.of(logits, words, self.z)
        # Thousands of samples and sentences may come at once.
        held = HELD if x.device.type == "cpu" else HELD_ON_GPU
        rows = max(1, held // logits[0].numel())
        together = max(1, rows // len(x))
        each = zip(logits.split(rows), words.split(rows), self.z.split(rows, dim=1), strict=True)
        parts = [
            torch.cat([self.of(some, targets, part) for part in z.split(together)])
            for some, targets, z in each
        ]
        return torch.cat(parts, dim=1)

    def of(
        self,
        logits: Float[Tensor, "b T W"],
        words: Integer[Tensor, "b T"],
        z: Float[Tensor, "k b D"],
    ) -> Float[Tensor, "k b"]:
        """Log-likelihood of some sentences under some of their samples."""
        both = logits + self.network.topics(z)[:, :, None]
        index = words.expand(len(z), -1, -1)[..., None]
        chosen = both.gather(-1, index)[..., 0]
        return (chosen - both.logsumexp(-1)).sum(-1)

    def sample(self) -> Integer[Tensor, "K B T"]:
        """One sentence for each z, [BOS, words, EOS]."""
        return unroll(self, draw, self.max_length).unflatten(0, self.z.shape[:2])

    def start(self) -> State:
        """(h, cell, what z adds to the logits, words so far) of every z."""
        like = self.network.output.weight
        with torch.autocast(like.device.type, enabled=False):
            topics = self.network.topics(self.z.flatten(0, 1).to(like.dtype))
        zeros = topics.new_zeros(len(topics), self.network.lstm.hidden_size)
        return zeros, zeros, topics, torch.zeros_like(topics[:, 0], dtype=torch.int64)

    def step(self, tokens: Integer[Tensor, "N"], state: State) -> tuple[Tensor, State]:
        """Log-probabilities [N, V] of the token after these, and the new state."""
        h, cell, topics, count = state
        network = self.network
        with torch.autocast(tokens.device.type, enabled=False):
            seen = network.embedding(tokens)
            h, cell = torch.lstm_cell(seen, (h, cell), *network.lstm.all_weights[0])
            words = (network.output(h) + topics).log_softmax(-1)
        log_probs = F.pad(words, (len(SPECIALS), 0), value=-torch.inf)
        end = torch.full_like(log_probs[:1], -torch.inf)
        end[:, EOS] = 0
        # A sentence that has ended is still asked what comes, and must have an answer.
        log_probs = torch.where(count[:, None] < self.length, log_probs, end)
        return log_probs, (h, cell, topics, count + 1)
