"""Histopathology patches from a pickle in an archive: clipped, and nothing but arrays read."""

import io
import os
import pickle
import tarfile

import numpy as np
import pytest
import torch

from vaelab.dataset.histopathology import Histopathology
from vaelab.errors import UserError

NAME = "histopathology.pkl.tar.gz"


@pytest.fixture
def archive(writer, tmp_path, monkeypatch):
    """archive({name: bytes}): the loader over an archive of these members."""
    (tmp_path / "histopathology").mkdir()
    path = tmp_path / "histopathology" / NAME

    def make(members):
        writer.tar_of(path, members)
        sizes = {"": (3, 2, 1)}
        writer.expect("histopathology", {NAME: path}, monkeypatch, sizes=sizes)
        return Histopathology(str(tmp_path))

    return make


def grey(count):
    values = np.linspace(0, 1, count * 784).reshape(count, 784)
    return values.astype(np.float32)


PATCHES = {"training": grey(3), "validation": grey(2), "test": grey(1)}


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("form", ["arrays", "lists of arrays"])
def test_values_are_clipped_into_the_bins(archive, protocol, form):
    held = PATCHES if form == "arrays" else {key: list(x) for key, x in PATCHES.items()}
    dataset = archive({"some/where/histopathology.pkl": pickle.dumps(held, protocol=protocol)})
    splits = dataset.load()
    x = splits.train[torch.arange(3)]
    assert x.min() == 1 / 512
    assert x.max() == 1 - 1 / 512
    expected = np.clip(PATCHES["training"], 1 / 512, 1 - 1 / 512).reshape(3, 1, 28, 28)
    assert (x.numpy() == expected).all()
    assert [len(s) for s in (splits.train, splits.valid, splits.test)] == [3, 2, 1]


class Attack:
    def __reduce__(self):
        return os.system, ("touch owned",)


def test_a_pickle_that_runs_code_is_refused(archive, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dataset = archive({"histopathology.pkl": pickle.dumps(PATCHES | {"test": Attack()})})
    with pytest.raises(UserError, match=r"is refused: it asks for \w+.system"):
        dataset.load()
    assert not (tmp_path / "owned").exists()


def test_members_cannot_write_anywhere(archive, tmp_path):
    data = pickle.dumps(PATCHES)
    archive({"../../escaped": b"!", "/tmp/escaped": b"!", "histopathology.pkl": data}).load()
    assert not list(tmp_path.rglob("escaped"))


def test_a_link_in_the_archives_place_is_not_followed(archive, writer, tmp_path, monkeypatch):
    dataset = archive({"x": b""})
    path = tmp_path / "histopathology" / NAME
    with tarfile.open(path, "w:gz") as held:
        link = tarfile.TarInfo("histopathology.pkl")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        held.addfile(link, io.BytesIO())
    writer.expect("histopathology", {NAME: path}, monkeypatch)
    with pytest.raises(UserError, match=r"holds no file histopathology.pkl"):
        dataset.load()


@pytest.mark.parametrize(
    ("held", "message"),
    [
        ({"training": grey(3)}, "must hold a dict with keys training, validation, test"),
        ([1], "must hold a dict"),
        (PATCHES | {"validation": grey(3)}, r"validation has shape \(3, 784\), expected \(2, 784"),
        (PATCHES | {"test": grey(1) * 255}, "test must hold grey levels in"),
        (PATCHES | {"test": grey(1) * np.nan}, "test must hold grey levels in"),
        (PATCHES | {"test": [[1], [1, 2]]}, "test is not an array of numbers"),
    ],
)
def test_other_contents_are_refused(archive, held, message):
    with pytest.raises(UserError, match=message):
        archive({"histopathology.pkl": pickle.dumps(held)}).load()
