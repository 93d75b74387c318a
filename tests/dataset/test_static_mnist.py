"""Static MNIST from each container it is found in, checked by the text its rows make."""

import gzip
import hashlib

import numpy as np
import pytest
from scipy.io import savemat

from vaelab.dataset import static_mnist
from vaelab.dataset.amat import amat_checksum, parse_amat
from vaelab.dataset.facts.static_mnist import FACTS, TEXTS
from vaelab.dataset.source import Content
from vaelab.dataset.static_mnist import StaticMnist
from vaelab.errors import UserError

COUNTS = {"train": 6, "valid": 3, "test": 3}


@pytest.fixture
def rows(writer, monkeypatch):
    """Rows of a small set whose text the loader is made to expect."""
    made = {
        split: (writer.rows(writer.images(count, first=100 * count)) > 127).astype(np.uint8)
        for split, count in COUNTS.items()
    }
    for split, values in made.items():
        text = writer.amat_text(values)
        monkeypatch.setitem(TEXTS, split, Content("sha256:" + hashlib.sha256(text).hexdigest()))
    monkeypatch.setitem(FACTS.sizes, "", tuple(COUNTS.values()))
    return made


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "static_mnist").mkdir()
    return tmp_path / "static_mnist"


def write(folder, writer, rows, container):
    for split, values in rows.items():
        path = folder / f"binarized_mnist_{split}.amat"
        text = writer.amat_text(values)
        if container == "text":
            path.write_bytes(text)
        elif container == "text, other line ends":
            path.write_bytes(text.replace(b"\n", b" \r\n"))
        elif container == "gzip":
            path.with_suffix(".amat.gz").write_bytes(gzip.compress(text))
        elif container == "matlab named amat":
            savemat(path, {"X": values}, appendmat=False)
        elif container == "matlab":
            savemat(path.with_suffix(".mat"), {"X": values})
    if container == "npz":
        held = {f"{split}_data": values.astype(np.float32) for split, values in rows.items()}
        np.savez_compressed(folder / "binarized_mnist.npz", **held)


CONTAINERS = ["text", "text, other line ends", "gzip", "matlab named amat", "matlab", "npz"]


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_gives_the_same_rows(folder, writer, rows, container):
    write(folder, writer, rows, container)
    splits = StaticMnist(str(folder.parent)).load()
    for split, values in rows.items():
        x = getattr(splits, split).x
        assert (x.numpy() == values.reshape(-1, 1, 28, 28)).all()


@pytest.mark.parametrize("container", CONTAINERS)
def test_one_wrong_pixel_is_refused(folder, writer, rows, container):
    rows["test"][1, 300] ^= 1
    write(folder, writer, rows, container)
    with pytest.raises(UserError, match=r"binarized_mnist.* is damaged or not the expected file"):
        StaticMnist(str(folder.parent)).load()


def test_a_truncated_text_is_told_apart(folder, writer, rows):
    write(folder, writer, rows, "text")
    path = folder / "binarized_mnist_test.amat"
    whole = path.read_bytes()
    for length in (2 * 1568, 2 * 1568 + 11, 0):
        path.write_bytes(whole[:length])
        with pytest.raises(UserError, match=r"binarized_mnist_test.amat is truncated or"):
            StaticMnist(str(folder.parent)).load()


def test_a_truncated_archive_is_told_apart(folder, writer, rows):
    write(folder, writer, rows, "gzip")
    path = folder / "binarized_mnist_valid.amat.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match=r"valid.amat.gz is truncated or damaged"):
        StaticMnist(str(folder.parent)).load()


def test_a_second_load_parses_nothing(folder, writer, rows, monkeypatch):
    write(folder, writer, rows, "text")
    first = StaticMnist(str(folder.parent)).load()
    monkeypatch.setattr(static_mnist, "_read", None)
    second = StaticMnist(str(folder.parent)).load()
    assert (first.train.x == second.train.x).all()


def test_the_text_of_rows_by_hand():
    rows = np.array([[0, 1], [1, 1]], np.uint8)
    assert amat_checksum(rows) == "sha256:" + hashlib.sha256(b"0 1\n1 1\n").hexdigest()
    assert (parse_amat(b"0 1\n1 1\n", 2) == rows).all()
    assert (parse_amat(b"0 1 \n1\t1", 2) == rows).all()


@pytest.mark.parametrize("text", [b"0 1\n1\n", b"0 2\n1 1\n", b"0 .\n1 1\n", b"", b"\n"])
def test_what_is_no_binary_table_is_refused(text):
    with pytest.raises(ValueError, match="values"):
        parse_amat(text, 2)
