"""Every published text data set, from small files in its documented form, against plain loops."""

import logging
from collections import defaultdict
from importlib import import_module

import pytest
import torch
import yaml

from tests.dataset import texts
from tests.dataset.texts import cls
from vaelab.command import data
from vaelab.errors import UserError
from vaelab.traits import Trait

NAMES = sorted(texts.MEANS)


def expect(writer, monkeypatch, folder, name):
    """Make the data set's facts those of the files in `folder`."""
    files = {path.name: path for path in (folder / name).glob("*.txt")}
    writer.expect(name, files, monkeypatch, sizes={"sentences": texts.COUNTS})


@pytest.fixture
def held(tmp_path, writer, monkeypatch):
    """held(NAME): write its files and say what is in them."""

    def write(name):
        sentences = texts.write(tmp_path, name)
        expect(writer, monkeypatch, tmp_path, name)
        return sentences

    return write


def in_turn(dataset):
    splits = dataset.load()
    return {"train": splits.train, "valid": splits.valid, "test": splits.test}


def numbered(sentences):
    """As the authors' code numbers words: by a dict that grows while training is read."""
    numbers = defaultdict(lambda: len(numbers), {"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3})
    train = [[1, *(numbers[word] for word in words), 2] for words in sentences["train"]]
    known = dict(numbers)
    rest = {
        split: [[1, *(known.get(word, 3) for word in words), 2] for words in sentences[split]]
        for split in ("valid", "test")
    }
    return list(known), {"train": train, **rest}


@pytest.mark.parametrize("name", NAMES)
def test_rows_are_the_files_sentences(held, tmp_path, name):
    words, rows = numbered(held(name))
    dataset = cls(name)(data_dir=str(tmp_path))
    assert list(dataset.vocabulary) == words
    assert dataset.shape == (max(map(len, rows["train"])),)
    for split, found in in_turn(dataset).items():
        assert len(found) == len(rows[split])
        for row, expected in enumerate(rows[split]):
            assert found[torch.tensor([row])][0].tolist() == expected
        assert found.x.shape[1] >= dataset.shape[0]
        assert found.vocabulary is dataset.vocabulary
        assert 3 in found.x or split == "train"  # the written files do have unknown words


@pytest.mark.parametrize("name", NAMES)
def test_what_it_offers_says_and_marks(held, tmp_path, name):
    held(name)
    dataset = cls(name)(data_dir=str(tmp_path))
    assert dataset.offers == {Trait.TOKENS, Trait.FIXED}
    assert dataset.labels == ()
    provenance = dataset.provenance()
    assert set(provenance["files"]) == {f"{name}.{s}.txt" for s in ("train", "valid", "test")}
    assert all(len(sum) == len("sha256:") + 64 for sum in provenance["files"].values())
    yaml.safe_dump(provenance)


@pytest.mark.parametrize("name", NAMES)
def test_long_documents_are_left_out_of_every_split(held, tmp_path, name):
    sentences, longest = held(name), texts.MEANS[name]
    short = {s: [one for one in all_ if len(one) <= longest] for s, all_ in sentences.items()}
    words, rows = numbered(short)
    dataset = cls(name)(data_dir=str(tmp_path), max_words=longest)
    assert dataset.labels == (f"documents of at most {longest} words",)
    assert list(dataset.vocabulary) == words
    for split, found in in_turn(dataset).items():
        assert 0 < len(found) < len(sentences[split])
        assert found.lengths.tolist() == [len(row) for row in rows[split]]
    assert dataset.provenance()["max_words"] == longest
    assert len(cls(name)(data_dir=str(tmp_path)).load().train) == len(sentences["train"])
    with pytest.raises(UserError, match=r"max_words=1 leaves nothing of train, whose shortest"):
        _ = cls(name)(data_dir=str(tmp_path), max_words=1).shape
    with pytest.raises(UserError, match=r"max_words must be at least 1 \(got 0\)"):
        cls(name)(max_words=0)


@pytest.mark.parametrize("name", NAMES)
def test_a_second_start_reads_no_text(held, tmp_path, name, monkeypatch):
    held(name)
    first = in_turn(cls(name)(data_dir=str(tmp_path)))
    monkeypatch.setattr("vaelab.dataset.published_text.read_sentences", None)
    again = in_turn(cls(name)(data_dir=str(tmp_path)))
    for split, found in again.items():
        assert torch.equal(found.x, first[split].x)
        assert list(found.vocabulary) == list(first[split].vocabulary)


@pytest.mark.parametrize("name", NAMES)
def test_labels_where_none_belong_and_the_reverse_are_refused(
    held, tmp_path, writer, monkeypatch, name
):
    sentences = held(name)
    other = "ptb" if name in texts.LABELLED else "yelp"
    path = tmp_path / name / f"{name}.valid.txt"
    path.write_text("".join(texts.line(other, words) for words in sentences["valid"]))
    expect(writer, monkeypatch, tmp_path, name)
    message = "sentence 1 has no tab" if other == "ptb" else "a label and a tab before every"
    with pytest.raises(UserError, match=rf"{name}.valid.txt .*{message}"):
        cls(name)(data_dir=str(tmp_path)).load()


@pytest.mark.parametrize("name", NAMES)
def test_files_of_another_size_or_length_are_refused(held, tmp_path, writer, monkeypatch, name):
    sentences = held(name)
    path = tmp_path / name / f"{name}.test.txt"
    lines = [texts.line(name, words) for words in sentences["test"]]
    for text, message in (
        ("".join(lines[:-1]), r"truncated or not the expected file \(14 documents, expected 15\)"),
        (
            "".join(texts.line(name, 2 * words) for words in sentences["test"]),
            "words a document, expected about",
        ),
    ):
        path.write_text(text)
        expect(writer, monkeypatch, tmp_path, name)
        with pytest.raises(UserError, match=rf"{name}.test.txt .*{message}"):
            cls(name)(data_dir=str(tmp_path)).load()


@pytest.mark.parametrize("name", NAMES)
def test_a_changed_file_is_refused_or_said_to_be_another(held, tmp_path, name, caplog):
    held(name)
    path = tmp_path / name / f"{name}.test.txt"
    path.write_text(path.read_text().replace("w", "v", 1))
    dataset = cls(name)(data_dir=str(tmp_path))
    if name in ("yelp", "short_yelp"):  # of which other versions may be just as good
        with caplog.at_level(logging.WARNING):
            dataset.load()
        (message,) = caplog.messages
        assert f"{path} is not the file whose checksum is known (sha256:" in message
    else:
        with pytest.raises(UserError, match=rf"{name}.test.txt is damaged or not the expected"):
            dataset.load()


def test_a_known_file_that_may_differ_is_said_nothing_of(held, tmp_path, caplog):
    held("yelp")
    with caplog.at_level(logging.WARNING):
        cls("yelp")(data_dir=str(tmp_path)).load()
    assert caplog.messages == []


@pytest.mark.parametrize("name", NAMES)
def test_data_check_loads_it_and_names_what_is_missing(held, tmp_path, name, capsys):
    held(name)
    arguments = ["check", name, "--data-dir", str(tmp_path)]
    assert data.run(arguments) == 0
    assert "good: 60/12/15 sentences" in capsys.readouterr().out
    (tmp_path / name / f"{name}.valid.txt").unlink()
    assert data.run(arguments) == 1
    assert f"{name}.valid.txt is missing" in capsys.readouterr().out.replace("\n", "")


@pytest.mark.parametrize("name", NAMES)
def test_facts_are_pinned(name):
    facts = import_module(f"vaelab.dataset.facts.{name}").FACTS
    splits = ("train", "valid", "test")
    assert facts.folder == name
    assert [file.name for file in facts.files] == [f"{name}.{split}.txt" for split in splits]
    for file in facts.files:
        # A commit, so that what is there cannot change, before any branch.
        assert len(file.addresses[0].url.split("/")[5]) == 40
        assert len({address.content for address in file.addresses}) == 1
