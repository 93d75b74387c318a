"""Yahoo: the stand-in for its training file, and what the page of facts measured on the files."""

import math

import pytest
import torch

from tests.dataset import texts
from vaelab.dataset.corpus import Selection
from vaelab.dataset.facts.yahoo import FACTS
from vaelab.dataset.published_text import Form, PublishedText
from vaelab.dataset.yahoo import Yahoo
from vaelab.errors import UserError

VALID_AS_TRAIN = "stand-in: Yahoo's validation file as training data"


@pytest.fixture
def folder(tmp_path, writer, monkeypatch):
    """A data directory without the training file."""
    texts.write(tmp_path, "yahoo")
    (tmp_path / "yahoo" / "yahoo.train.txt").unlink()
    files = {path.name: path for path in (tmp_path / "yahoo").glob("*.txt")}
    writer.expect("yahoo", files, monkeypatch, sizes={"documents": texts.COUNTS})
    return tmp_path


def rows(split):
    """Each sentence's words."""
    return [split.vocabulary.text(row[1:]) for row in split[torch.arange(len(split))].tolist()]


def test_the_validation_file_stands_in_for_the_training_file(folder):
    dataset = Yahoo(str(folder), train="valid")
    splits = dataset.load()
    assert [len(s) for s in (splits.train, splits.valid, splits.test)] == [10, 2, 15]
    lines = (folder / "yahoo" / "yahoo.valid.txt").read_text().splitlines()
    whole = {" ".join(line.split()) for line in lines if line}
    assert set(rows(splits.train)) < whole  # held out words would be <unk>
    assert dataset.labels == (VALID_AS_TRAIN,)
    both = Yahoo(str(folder), train="valid", max_words=80).labels
    assert both == (VALID_AS_TRAIN, "documents of at most 80 words")
    assert dataset.provenance()["source"] == {"train": "valid", "test": "test"}
    assert dataset.provenance()["split_seed"] == 0


def test_the_seed_chooses_what_is_held_out(folder):
    drawn = [Yahoo(str(folder), train="valid", split_seed=seed).load() for seed in (0, 1, 2, 3)]
    assert torch.equal(drawn[0].train.x, Yahoo(str(folder), train="valid").load().train.x)
    assert len({tuple(splits.valid.lengths.tolist()) for splits in drawn}) > 1


def test_settings_that_do_not_go_together_are_refused():
    with pytest.raises(UserError, match="train=test is no file of yahoo; use train=train or"):
        Yahoo(train="test")
    with pytest.raises(UserError, match=r"split_seed=3 has no effect with dataset.train=train"):
        Yahoo(split_seed=3)


@pytest.mark.data
def test_real_documents_are_as_measured(real):
    folder = real("yahoo", "yahoo.valid.txt", "yahoo.test.txt")
    selection, source = Selection(None), {"train": "valid", "valid": "valid", "test": "test"}
    splits = PublishedText(FACTS, Form(words=79), folder, selection, source).load()
    tokens, ceilings, batches = [], [], []
    for split in (splits.valid, splits.test):
        assert len(split) == 10_000
        tokens.append(split.predicted(torch.arange(10_000)).sum().item())
        batches.append(split.batches(32))
        ceilings.append(sum(len(one) * math.log(len(one)) for one in batches[-1]) / 10_000)
    assert tokens == [790_680 + 10_000, 798_673]
    assert [len(one) for one in batches] == [398, 392]
    assert ceilings == pytest.approx([3.318, 3.32], abs=0.005)
    # What is cut to 200 words: 202 tokens, and 17,044 types in the validation file.
    assert splits.train.x.shape == splits.test.x.shape == (10_000, 202)
    assert len(splits.train.vocabulary) == 17_044 + 4
    assert all(len(set(split.lengths[one].tolist())) == 1 for one in batches[1])


@pytest.mark.data
def test_real_stand_in(real):
    dataset = Yahoo(real("yahoo", "yahoo.valid.txt", "yahoo.test.txt"), train="valid")
    splits = dataset.load()
    sizes = (len(splits.train), len(splits.valid), len(splits.test))
    assert sizes == FACTS.sizes["with train=valid"]
    assert splits.test.predicted(torch.arange(10_000)).sum() == 798_673
