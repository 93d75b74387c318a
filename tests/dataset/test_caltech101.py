"""Caltech silhouettes: inverted, upright, binary."""

import numpy as np
import pytest
from scipy.io import savemat

from vaelab.dataset.caltech101 import Caltech101
from vaelab.errors import UserError


@pytest.fixture
def silhouettes(tmp_path):
    """One object each: an L of ink, 1 pixel wide, as the file has it (background 1)."""
    ink = np.zeros((28, 28), np.uint8)
    ink[3:20, 5] = 1
    ink[19, 5:12] = 1
    flat = 1 - ink.flatten(order="F")
    (tmp_path / "caltech101").mkdir()
    path = tmp_path / "caltech101" / "caltech101_silhouettes_28_split1.mat"
    return path, ink, {"train_data": flat[None], "val_data": flat[None], "test_data": flat[None]}


@pytest.fixture
def expect(writer, monkeypatch):
    return lambda path: writer.expect(
        "caltech101", {path.name: path}, monkeypatch, sizes={"": (1, 1, 1)}
    )


def test_the_object_is_one_and_upright(silhouettes, expect):
    path, ink, held = silhouettes
    savemat(path, held)
    expect(path)
    splits = Caltech101(str(path.parents[1])).load()
    for split in (splits.train, splits.valid, splits.test):
        assert (split.x[0, 0].numpy() == ink).all()


def test_another_layout_is_refused(silhouettes, expect):
    path, _, held = silhouettes
    savemat(path, {**held, "test_data": held["test_data"].T})
    expect(path)
    with pytest.raises(UserError, match=r"test_data has shape \(784, 1\), expected \(1, 784\)"):
        Caltech101(str(path.parents[1])).load()
    savemat(path, {**held, "val_data": held["val_data"] * 2})
    expect(path)
    with pytest.raises(UserError, match="val_data must hold only 0 and 1"):
        Caltech101(str(path.parents[1])).load()


@pytest.mark.data
def test_real_means_and_independent_pixels(real, independent_pixels):
    folder = real("caltech101", "caltech101_silhouettes_28_split1.mat")
    splits = Caltech101(folder).load()
    means = [split.x.float().mean().item() for split in (splits.train, splits.valid, splits.test)]
    assert means == pytest.approx([0.4489, 0.4640, 0.4610], abs=5e-5)
    assert independent_pixels(splits) == pytest.approx(-380.06, abs=0.01)
