"""The user's own sentences: read, split, cut, and refused by name."""

import hashlib
import random

import numpy as np
import pytest
import torch
import yaml

from tests.small import config
from vaelab.dataset.text import Text
from vaelab.errors import UserError
from vaelab.traits import Trait

LINES = [" ".join(random.Random(n).choices("abcdefgh", k=n % 5 + 1)) for n in range(40)]


@pytest.fixture
def saved(tmp_path):
    """saved(TEXT, NAME): a file with this text, or these lines."""

    def save(text, name="own.txt"):
        text = text if isinstance(text, str) else "".join(f"{line}\n" for line in text)
        data = text if isinstance(text, bytes) else text.encode()
        (tmp_path / name).write_bytes(data)
        return str(tmp_path / name)

    return save


def texts(split):
    """The sentences of a split, as text."""
    rows = split[torch.arange(len(split))].tolist()
    return [split.vocabulary.text(row[1:]) for row in rows]


def test_given_files_are_the_splits(saved):
    train, valid, test = LINES[:20], LINES[20:30], LINES[30:]
    dataset = Text(saved(train), saved(valid, "valid.txt"), saved(test, "test.txt"))
    splits = dataset.load()
    assert [texts(s) for s in (splits.train, splits.valid, splits.test)] == [train, valid, test]
    assert dataset.shape == (7,)
    assert dataset.offers == {Trait.TOKENS, Trait.FIXED}


def test_missing_splits_are_cut_from_training(saved):
    splits = Text(saved(LINES), holdout=0.2, split_seed=5).load()
    order = random_order(40, 5)
    assert texts(splits.train) == [LINES[row] for row in order[:24]]
    assert texts(splits.valid) == [LINES[row] for row in order[24:32]]
    assert texts(splits.test) == [LINES[row] for row in order[32:]]
    kept = Text(saved(LINES), test=saved(LINES[:3], "t.txt"), holdout=0.2, split_seed=5).load()
    assert texts(kept.test) == LINES[:3]
    assert texts(kept.train) == [LINES[row] for row in order[:32]]
    assert texts(kept.valid) == [LINES[row] for row in order[32:]]


def test_a_split_that_is_cut_has_two_sentences_at_least(saved):
    splits = Text(saved(LINES[:5])).load()
    assert [len(one) for one in (splits.train, splits.valid, splits.test)] == [1, 2, 2]


def random_order(count, seed):
    return np.random.RandomState(seed).permutation(count)


def test_lines_are_split_at_white_space_and_empty_ones_dropped(saved):
    # A tab and a no-break space are white space; a line separator does not end a line.
    text = "\ufeffa  b\t c \r\n\n \t\nd\u00a0e\u2028f\rg"
    splits = Text(saved(text), saved("a\n", "v"), saved("a\n", "t")).load()
    assert texts(splits.train) == ["a b c", "d e f", "g"]


def test_case_is_kept_unless_lower(saved):
    files = saved("A a É\n"), saved("a\n", "v"), saved("a\n", "t")
    assert texts(Text(*files).load().train) == ["A a É"]
    assert texts(Text(*files, lower=True).load().train) == ["a a é"]
    assert len(Text(*files).vocabulary) == len(Text(*files, lower=True).vocabulary) + 1


def test_rare_words_are_unknown_words(saved):
    files = saved("a b a\nc a b\n"), saved("b\n", "v"), saved("c x\n", "t")
    few = Text(*files, min_count=2).load()
    assert texts(few.train) == ["a b a", "<unk> a b"]
    assert texts(few.test) == ["<unk> <unk>"]
    one = Text(*files, max_vocabulary=1)
    assert texts(one.load().train) == ["a <unk> a", "<unk> a <unk>"]
    assert len(one.vocabulary) == 5


def test_the_file_is_read_again_when_it_or_a_setting_changes(saved):
    path = saved(LINES)
    assert len(Text(path).load().train) == 32
    assert len(Text(path, holdout=0.2).load().train) == 24
    assert len(Text(path, max_words=2).load().train) == 12
    saved(LINES * 2)
    assert len(Text(path).load().train) == 64


def test_results_name_the_files_and_what_was_done(saved):
    dataset = Text(saved("hello\n" * 5), max_words=3, lower=True, min_count=2)
    said = dataset.provenance()
    checksum = hashlib.sha256(b"hello\n" * 5).hexdigest()
    assert said["files"] == {"own.txt": f"sha256:{checksum}"}
    chosen = {"lower": True, "max_words": 3, "min_count": 2, "max_vocabulary": None}
    assert {k: v for k, v in said.items() if k != "files"} == chosen | {
        "holdout": 0.1,
        "split_seed": 0,
    }
    assert dataset.labels == ("documents of at most 3 words",)
    yaml.safe_dump(said)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "own.txt has no sentences; it must have one on every line"),
        (" \n\n\t\n", "own.txt has no sentences"),
        ("a\n", "own.txt: 1 sentence is too few to hold some out; name files"),
        ("a\nb\nc\nd\n", "own.txt: 4 sentences are too few to hold some out; name files"),
        ("1\ta b\n2\tc\n", "a label and a tab before every sentence.*cut -f2"),
        ("a b\nc </s> d\n", "sentence 2 has the word </s>"),
        ("<s> a b </s>\n", "sentence 1 has the word <s>"),
        ("<PAD>\n", "sentence 1 has the word <pad>"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_file(saved, text, message):
    with pytest.raises(UserError, match=message) as error:
        _ = Text(saved(text), lower=True).shape
    assert "own.txt" in str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_no_text_is_refused(tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes("ab é\n".encode("latin-1"))
    with pytest.raises(UserError, match=r"latin.txt is not UTF-8 text \(byte 3\); convert it"):
        Text(str(path)).load()


@pytest.mark.parametrize("split", ["train", "valid", "test"])
def test_a_path_that_is_no_file_is_refused_by_its_setting(saved, tmp_path, split):
    files = {"train": saved(LINES)}
    with pytest.raises(UserError, match=rf"dataset.{split}=.*none.txt was not found"):
        Text(**files | {split: str(tmp_path / "none.txt")}).load()
    with pytest.raises(UserError, match=rf"dataset.{split}=.* is a folder; name a text file"):
        Text(**files | {split: str(tmp_path)}).load()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"max_words": 0}, r"dataset.max_words must be at least 1 \(got 0\)"),
        ({"min_count": 0}, r"dataset.min_count must be at least 1 \(got 0\)"),
        ({"max_vocabulary": -1}, r"dataset.max_vocabulary must be at least 1 \(got -1\)"),
        ({"holdout": 0.5}, r"dataset.holdout must lie between 0 and 0.5 \(got 0.5\)"),
    ],
)
def test_settings_are_checked_before_any_file(setting, message):
    with pytest.raises(UserError, match=message):
        Text("none.txt", **setting)


def test_a_file_must_be_named():
    with pytest.raises(UserError, match=r"dataset.train"):
        config("dataset=text")
