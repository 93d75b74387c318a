"""The random LSTM language model that makes the synthetic sentences of 1901.05534.

*Lagging Inference Networks and Posterior Collapse in VAEs* (He et al., 2019). As in the generator
of their code's history (later removed): every weight is uniform in (-1, 1), those from z to the
logits in (-5, 5); z is a mixture of four Gaussians in the plane. Their files cannot be made again
bit for bit (sampling in PyTorch has changed), their distribution can.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

EMBEDDING, HIDDEN = 100, 100
MEANS = np.array([(-2.0, -2.0), (2.0, 2.0), (-2.0, 2.0), (2.0, -2.0)])
CHUNK = 500  # sentences at once: their logits stay in the processor's cache


@dataclass(frozen=True)
class RandomLstm:
    """Float64 weights; the rows of the LSTM's are its input, forget, cell and output gates.

    Attributes:
        embedding: [V, E].
        word: gates from the embedding, [4H, E].
        latent: gates from z, [4H, 2].
        recurrent: gates from h, [4H, H].
        bias: of the gates, [4H]; the sum of two uniform draws, as an LSTM has two.
        cell: the first cell state from z, [H, 2]; the first h is its tanh.
        output: logits from h, [V, H].
        topic: logits from z, [V, 2].
    """

    embedding: Float64[ndarray, "V E"]
    word: Float64[ndarray, "gates E"]
    latent: Float64[ndarray, "gates 2"]
    recurrent: Float64[ndarray, "gates H"]
    bias: Float64[ndarray, "gates"]
    cell: Float64[ndarray, "H 2"]
    output: Float64[ndarray, "V H"]
    topic: Float64[ndarray, "V 2"]

    @classmethod
    def drawn(cls, draws: np.random.RandomState, vocabulary: int) -> "RandomLstm":
        """Weights of a model of so many words."""

        def uniform(*shape: int, bound: float = 1.0) -> Float64[ndarray, "..."]:
            return draws.uniform(-bound, bound, shape)

        return cls(
            embedding=uniform(vocabulary, EMBEDDING),
            word=uniform(4 * HIDDEN, EMBEDDING),
            latent=uniform(4 * HIDDEN, 2),
            recurrent=uniform(4 * HIDDEN, HIDDEN),
            bias=uniform(4 * HIDDEN) + uniform(4 * HIDDEN),
            cell=uniform(HIDDEN, 2),
            output=uniform(vocabulary, HIDDEN),
            topic=uniform(vocabulary, 2, bound=5.0),
        )

    def sentences(
        self,
        z: Float64[ndarray, "N 2"],
        first: Int64[ndarray, "N"],
        chance: Float64[ndarray, "N S"],
    ) -> Int64[ndarray, "N length"]:
        """Words of sentences of one more word than `chance` has columns.

        Args:
            z: a point in the plane for each sentence.
            first: its first word.
            chance: uniform in [0, 1), one for each later word: what the word is, by inverting its
                cumulative probabilities.
        """
        gates_of_word = self.embedding @ self.word.T + self.bias
        words = np.empty((len(z), chance.shape[1] + 1), np.int64)
        words[:, 0] = first
        for start in range(0, len(z), CHUNK):
            rows = slice(start, start + CHUNK)
            gates_of_z, topic = z[rows] @ self.latent.T, z[rows] @ self.topic.T
            c = z[rows] @ self.cell.T
            h = np.tanh(c)
            for place in range(chance.shape[1]):
                gates = gates_of_word[words[rows, place]] + gates_of_z + h @ self.recurrent.T
                i, f, g, o = np.split(gates, 4, axis=1)
                c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
                h = _sigmoid(o) * np.tanh(c)
                words[rows, place + 1] = _draw(h @ self.output.T + topic, chance[rows, place])
        return words


def _sigmoid(x: Float64[ndarray, "..."]) -> Float64[ndarray, "..."]:
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def _draw(logits: Float64[ndarray, "N V"], chance: Float64[ndarray, "N"]) -> Int64[ndarray, "N"]:
    """The first word whose cumulative probability reaches `chance`."""
    cumulative = np.exp(logits - logits.max(1, keepdims=True)).cumsum(1)
    return (cumulative < chance[:, None] * cumulative[:, -1:]).sum(1)
