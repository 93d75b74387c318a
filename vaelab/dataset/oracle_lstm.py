"""The random LSTM that makes the synthetic sentences of 1802.02550.

*Semi-Amortized Variational Autoencoders* (Kim et al., 2018), section 3.3 of our notes:
h_t = LSTM(h_{t-1}, x_t) without z, and p(x_{t+1} | x_<=t, z) = softmax(W h_t + U z + b). Every
weight is uniform in (-1, 1), those of U in (-5, 5).

Of the notes' "MLP of h and z" this is the affine reading, and the first word is drawn by the model
as all others are, after a start symbol. So read, sentences of 5 words out of 1,000 have an NLL of
19.9 to 21.2 nats for eight seeds tried (the paper's oracle, recalled: 19.63); with a first word
that is uniform, 23.5 to 24.5.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

EMBEDDING, HIDDEN, LATENT = 100, 100, 2
CHUNK = 500  # sentences at once: their logits stay in the processor's cache


@dataclass(frozen=True)
class OracleLstm:
    """Float64 weights; the rows of the LSTM's are its input, forget, cell and output gates.

    Attributes:
        embedding: [1 + V, E], the start symbol's first.
        word: gates from the embedding, [4H, E].
        recurrent: gates from h, [4H, H].
        bias: of the gates, [4H]; the sum of two uniform draws, as an LSTM has two.
        output: logits from h, [V, H].
        level: of the logits, [V].
        topic: logits from z, [V, 2].
    """

    embedding: Float64[ndarray, "symbols E"]
    word: Float64[ndarray, "gates E"]
    recurrent: Float64[ndarray, "gates H"]
    bias: Float64[ndarray, "gates"]
    output: Float64[ndarray, "V H"]
    level: Float64[ndarray, "V"]
    topic: Float64[ndarray, "V 2"]

    @classmethod
    def drawn(cls, draws: np.random.RandomState, vocabulary: int) -> "OracleLstm":
        """Weights of a model of so many words."""

        def uniform(*shape: int, bound: float = 1.0) -> Float64[ndarray, "..."]:
            return draws.uniform(-bound, bound, shape)

        return cls(
            embedding=uniform(1 + vocabulary, EMBEDDING),
            word=uniform(4 * HIDDEN, EMBEDDING),
            recurrent=uniform(4 * HIDDEN, HIDDEN),
            bias=uniform(4 * HIDDEN) + uniform(4 * HIDDEN),
            output=uniform(vocabulary, HIDDEN),
            level=uniform(vocabulary),
            topic=uniform(vocabulary, LATENT, bound=5.0),
        )

    def sentences(
        self, z: Float64[ndarray, "N 2"], chance: Float64[ndarray, "N T"]
    ) -> Int64[ndarray, "N T"]:
        """Words from 0 on, one for each of `chance`.

        Args:
            z: a point in the plane for each sentence.
            chance: uniform in [0, 1): what each word is, by inverting its cumulative probabilities.
        """
        parts = range(0, len(z), CHUNK)
        rows = [slice(start, start + CHUNK) for start in parts]
        return np.concatenate([np.stack([*self._words(z[r], chance[r])], 1) for r in rows])

    def _words(
        self, z: Float64[ndarray, "N 2"], chance: Float64[ndarray, "N T"]
    ) -> Iterator[Int64[ndarray, "N"]]:
        """The sentences' first words, then their second ones, and so on."""
        gates_of_symbol = self.embedding @ self.word.T + self.bias
        of_z = z @ self.topic.T + self.level
        h = c = np.zeros((len(z), HIDDEN))
        symbol = np.zeros(len(z), np.int64)
        for place in range(chance.shape[1]):
            gates = gates_of_symbol[symbol] + h @ self.recurrent.T
            i, f, g, o = np.split(gates, 4, axis=1)
            c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
            h = _sigmoid(o) * np.tanh(c)
            logits = h @ self.output.T + of_z
            cumulative = np.exp(logits - logits.max(1, keepdims=True)).cumsum(1)
            word = (cumulative < chance[:, [place]] * cumulative[:, -1:]).sum(1)
            yield word
            symbol = 1 + word


def _sigmoid(x: Float64[ndarray, "..."]) -> Float64[ndarray, "..."]:
    return 0.5 + 0.5 * np.tanh(0.5 * x)
