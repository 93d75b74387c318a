"""Parsed copies: used while the source is unchanged, rebuilt when damaged."""

import os

import numpy as np
import pytest

from vaelab.dataset.parsed import parsed


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source"
    path.write_text("1 2 3")
    return path


@pytest.fixture
def read(source):
    """read(kind): the parsed source; read.calls counts how often it was really parsed."""

    def run(kind="set"):
        def parse():
            run.calls += 1
            return {"x": np.array(source.read_text().split(), dtype=np.int64)}

        return parsed(kind, [source], parse)["x"].tolist()

    run.calls = 0
    return run


@pytest.fixture
def copy(read, tmp_path, monkeypatch):
    """The one stored copy."""
    monkeypatch.setenv("VAELAB_CACHE", str(tmp_path / "cache"))
    read()
    (path,) = (tmp_path / "cache" / "parsed").iterdir()
    return path


def test_a_source_is_parsed_once(read, copy):
    assert read() == read() == [1, 2, 3]
    assert read.calls == 1
    assert read("set with another setting") == [1, 2, 3]
    assert read.calls == 2


def test_a_changed_source_is_parsed_again(read, copy, source):
    source.write_text("4 5 6")  # the same size
    os.utime(source, ns=(1, 1))
    assert read() == [4, 5, 6]
    source.write_text("4 5 6 7")
    os.utime(source, ns=(1, 1))  # the same time
    assert read() == [4, 5, 6, 7]


@pytest.mark.parametrize("damage", ["empty", "half", "flipped", "text"])
def test_a_damaged_copy_is_rebuilt(read, copy, damage):
    data = bytearray(copy.read_bytes())
    where = data.index((2).to_bytes(8, "little"))  # the stored number 2
    if damage == "flipped":
        data[where] ^= 1
    cut = {"empty": b"", "half": data[: len(data) // 2], "text": b"what?", "flipped": data}
    copy.write_bytes(cut[damage])
    assert read() == [1, 2, 3]
    assert read.calls == 2
    assert read() == [1, 2, 3]
    assert read.calls == 2


def test_nothing_half_written_is_left(read, copy, tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(KeyboardInterrupt):
        read("another")
    assert list(copy.parent.iterdir()) == [copy]


def test_a_cache_that_cannot_be_written_costs_only_time(read, tmp_path, monkeypatch):
    (tmp_path / "occupied").write_text("")
    monkeypatch.setenv("VAELAB_CACHE", str(tmp_path / "occupied"))
    assert read() == read() == [1, 2, 3]
    assert read.calls == 2
