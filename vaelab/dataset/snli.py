"""Sentences of SNLI, 100,000 for training, as text VAEs use them (Li et al., 2019), 1909.00868.

From *A Surprisingly Effective Fix for Deep Latent Variable Modeling of Text*.
"""

from vaelab.dataset.corpus import Selection
from vaelab.dataset.facts.snli import FACTS
from vaelab.dataset.published_text import Form, PublishedText


class Snli(PublishedText):
    """The published split."""

    def __init__(self, data_dir: str | None = None, max_words: int | None = None) -> None:
        super().__init__(FACTS, Form(words=10), data_dir, Selection(max_words))
