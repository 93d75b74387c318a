"""The Penn Treebank as Mikolov prepared it: sentences of 10,000 word types, rare words <unk>."""

from vaelab.dataset.corpus import Selection
from vaelab.dataset.facts.ptb import FACTS
from vaelab.dataset.published_text import Form, PublishedText


class Ptb(PublishedText):
    """The published split; `<unk>` is UNK, which training sentences have."""

    def __init__(self, data_dir: str | None = None, max_words: int | None = None) -> None:
        super().__init__(FACTS, Form(words=21), data_dir, Selection(max_words))
