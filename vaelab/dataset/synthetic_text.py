"""Sentences of a random LSTM that depend on a point in the plane, 1901.05534.

The toy data of *Lagging Inference Networks and Posterior Collapse in VAEs* (He et al., 2019), in
which the true posterior of a small model can be computed on a grid.
"""

import numpy as np

from vaelab.dataset.generated_text import GeneratedText
from vaelab.dataset.parsed import Arrays
from vaelab.dataset.random_lstm import MEANS, RandomLstm


class SyntheticText(GeneratedText):
    """z ~ a mixture of four Gaussians in the plane, then `length` words of `vocabulary`."""

    def __init__(
        self,
        num_train: int = 16_000,
        num_valid: int = 2_000,
        num_test: int = 2_000,
        vocabulary: int = 1_000,
        length: int = 10,
        seed: int = 19950927,
    ) -> None:
        sizes = (num_train, num_valid, num_test)
        super().__init__("synthetic_text", sizes, vocabulary, length, seed)

    def draw(self) -> Arrays:
        """Words and z of all sentences, one model's."""
        draws, count = np.random.RandomState(self.seed), sum(self.sizes)
        model = RandomLstm.drawn(draws, self.words)
        component = draws.randint(len(MEANS), size=count, dtype=np.int64)
        z = MEANS[component] + draws.standard_normal((count, 2))
        first = draws.randint(self.words, size=count, dtype=np.int64)
        words = model.sentences(z, first, draws.random_sample((count, self.length - 1)))
        return {"words": words.astype(np.int32), "z": z}
