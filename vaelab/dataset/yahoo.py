"""Yahoo answers of *Improved VAEs for Text Modeling using Dilated Convolutions*, 1702.08139.

By Yang et al. (2017), and used by *Lagging Inference Networks* (He et al., 2019), 1901.05534.
Rare words are `_UNK`, a word like any other.
"""

from vaelab.dataset.corpus import Selection
from vaelab.dataset.facts.yahoo import FACTS
from vaelab.dataset.published_text import Form, PublishedText
from vaelab.errors import UserError

# Which published file each split is read from. The paper holds out a tenth of as many documents
# as it trains on; so does what is cut from the validation file.
SOURCES = {
    "train": {"train": "train", "valid": "valid", "test": "test"},
    "valid": {"train": "valid", "test": "test"},
}
HOLDOUT = 0.1


class Yahoo(PublishedText):
    """The published split, or a stand-in for those who do not have its training file.

    `train: valid` trains on nine tenths of the 10,000 documents of the validation file and
    validates on the rest, which `split_seed` chooses (null: 0); test documents stay what they are.
    """

    def __init__(
        self,
        data_dir: str | None = None,
        train: str = "train",
        split_seed: int | None = None,
        max_words: int | None = None,
    ) -> None:
        if train not in SOURCES:
            raise UserError(
                f"dataset.train={train} is no file of yahoo; use train=train or train=valid"
            )
        if train == "train" and split_seed is not None:
            raise UserError(
                f"dataset.split_seed={split_seed} has no effect with dataset.train=train, whose "
                "split is published; leave split_seed=null"
            )
        self.split_seed = 0 if train == "valid" and split_seed is None else split_seed
        selection = Selection(max_words, holdout=HOLDOUT, split_seed=self.split_seed or 0)
        super().__init__(FACTS, Form(words=79), data_dir, selection, SOURCES[train])
        self.train = train
        if train == "valid":
            stand_in = "stand-in: Yahoo's validation file as training data"
            self.labels = (stand_in, *self.labels)
