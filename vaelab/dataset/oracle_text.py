"""Five-word sentences of a known random LSTM with a latent in the plane, 1802.02550.

The synthetic data of *Semi-Amortized Variational Autoencoders* (Kim et al., 2018): the model that
made them, the oracle, is at hand, and so is their true NLL.
"""

from functools import cached_property

import numpy as np

from vaelab.dataset.generated_text import GeneratedText
from vaelab.dataset.oracle_lstm import LATENT, OracleLstm
from vaelab.dataset.parsed import Arrays


class OracleText(GeneratedText):
    """z ~ N(0, I_2), then `length` words of `vocabulary`. The paper's seed is unknown."""

    def __init__(
        self,
        num_train: int = 5_000,
        num_valid: int = 5_000,
        num_test: int = 5_000,
        vocabulary: int = 1_000,
        length: int = 5,
        seed: int = 3435,
    ) -> None:
        sizes = (num_train, num_valid, num_test)
        super().__init__("oracle_text", sizes, vocabulary, length, seed)

    @cached_property
    def oracle(self) -> OracleLstm:
        """The model that makes the sentences."""
        return OracleLstm.drawn(np.random.RandomState(self.seed), self.words)

    def draw(self) -> Arrays:
        """Words and z of all sentences, of a generator of their own."""
        draws, count = np.random.RandomState([self.seed, 1]), sum(self.sizes)
        z = draws.standard_normal((count, LATENT))
        words = self.oracle.sentences(z, draws.random_sample((count, self.length)))
        return {"words": words.astype(np.int32), "z": z}
