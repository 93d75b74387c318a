"""Yelp sentences of at most 15 words, from Shen et al.'s (2017), as in 1909.00868 (Li et al.).

The label, positive or negative, is left out.
"""

from vaelab.dataset.corpus import Selection
from vaelab.dataset.facts.short_yelp import FACTS
from vaelab.dataset.published_text import Form, PublishedText


class ShortYelp(PublishedText):
    """The published split."""

    def __init__(self, data_dir: str | None = None, max_words: int | None = None) -> None:
        super().__init__(FACTS, Form(words=9, labelled=True), data_dir, Selection(max_words))
