"""The Penn Treebank: what the page of facts measured on the files."""

import pytest
import torch

from vaelab.dataset.ptb import Ptb
from vaelab.dataset.vocabulary import UNK

pytestmark = pytest.mark.data


def test_real_sentences_are_as_measured(real):
    names = [f"ptb.{split}.txt" for split in ("train", "valid", "test")]
    dataset = Ptb(real("ptb", *names))
    splits = dataset.load()
    three = (splits.train, splits.valid, splits.test)
    assert [len(split) for split in three] == [42_068, 3_370, 3_761]
    # With the end marks; that is what perplexity counts.
    counted = [split.predicted(torch.arange(len(split))).sum().item() for split in three]
    assert counted == [929_589, 73_760, 82_430]
    # 9,999 types, <unk> among them, which is one of the four specials.
    assert len(dataset.vocabulary) == 9_998 + 4
    assert len(splits.train.x.unique()) == 9_998 + 4  # every number occurs, UNK and PAD too
    # Validation and test have no other words: what is UNK there is <unk> in the file.
    in_file = dataset.paths["test"].read_text().split().count("<unk>")
    assert (splits.test.x == UNK).sum() == in_file
    first = dataset.paths["train"].read_text().split("\n")[0]
    assert first.startswith(" ")
    assert first.endswith(" ")
    found = splits.train[torch.tensor([0])][0].tolist()
    assert dataset.vocabulary.text(found[1:]) == first.strip()
