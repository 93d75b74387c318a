"""Yelp reviews of *Improved VAEs for Text Modeling using Dilated Convolutions*, 1702.08139.

By Yang et al. (2017), and used by *Lagging Inference Networks* (He et al., 2019), 1901.05534. The
label, the number of stars, is left out; rare words are `_UNK`, a word like any other.
"""

from vaelab.dataset.corpus import Selection
from vaelab.dataset.facts.yelp import FACTS
from vaelab.dataset.published_text import Form, PublishedText


class Yelp(PublishedText):
    """The published split."""

    def __init__(self, data_dir: str | None = None, max_words: int | None = None) -> None:
        super().__init__(FACTS, Form(words=96, labelled=True), data_dir, Selection(max_words))
