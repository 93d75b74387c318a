"""Frey Faces from the MATLAB file and from either pickle: the same pixels."""

import os
import pickle

import numpy as np
import pytest
import torch
from scipy.io import savemat

from vaelab.dataset import freyfaces
from vaelab.dataset.freyfaces import FreyFaces
from vaelab.errors import UserError


@pytest.fixture
def frames(writer):
    return writer.images(1_965, 28, 20)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A data directory whose files pass as the published ones."""
    monkeypatch.setattr("vaelab.dataset.download.verify", lambda *args: None)
    (tmp_path / "freyfaces").mkdir()
    return tmp_path


@pytest.mark.parametrize("form", ["mat", "list in a pickle", "bare pickle"])
def test_every_form_gives_the_same_frames(folder, frames, form):
    flat = frames.reshape(1_965, 560)
    if form == "mat":
        savemat(folder / "freyfaces" / "frey_rawface.mat", {"ff": flat.T})
    else:
        held = [flat] if form.startswith("list") else flat
        (folder / "freyfaces" / "freyfaces.pkl").write_bytes(pickle.dumps(held, protocol=0))
    splits = FreyFaces(str(folder), split_seed=3).load()
    order = np.random.RandomState(3).permutation(1_965)
    together = torch.cat([splits.train.x, splits.valid.x, splits.test.x])
    assert (together[:, 0].numpy() == frames[order]).all()


def test_the_matlab_file_is_preferred(folder, frames):
    savemat(folder / "freyfaces" / "frey_rawface.mat", {"ff": frames.reshape(1_965, 560).T})
    (folder / "freyfaces" / "freyfaces.pkl").write_bytes(b"not a pickle")
    assert len(FreyFaces(str(folder)).load().train) == 1_565


def test_grey_levels_are_the_middles_of_their_bins(folder, frames):
    savemat(folder / "freyfaces" / "frey_rawface.mat", {"ff": frames.reshape(1_965, 560).T})
    split = FreyFaces(str(folder)).load().train
    index = torch.arange(10)
    assert torch.equal(split[index], (split.x[index].float() + 0.5) / 256)


class Attack:
    def __reduce__(self):
        return os.system, ("touch owned",)


def test_a_pickle_that_runs_code_is_refused(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (folder / "freyfaces" / "freyfaces.pkl").write_bytes(pickle.dumps(Attack(), protocol=0))
    with pytest.raises(UserError, match=r"freyfaces.pkl is refused: it asks for \w+.system"):
        FreyFaces(str(folder)).load()
    assert not (tmp_path / "owned").exists()


def test_other_frames_are_refused(folder):
    savemat(folder / "freyfaces" / "frey_rawface.mat", {"ff": np.zeros((28, 20), np.uint8)})
    with pytest.raises(UserError, match=r"does not hold bytes of shape \(1965, 560\)"):
        FreyFaces(str(folder)).load()
    savemat(folder / "freyfaces" / "frey_rawface.mat", {"gg": np.zeros(3)})
    with pytest.raises(UserError, match="with key ff"):
        FreyFaces(str(folder)).load()


@pytest.mark.data
def test_real_frames(real):
    frames = freyfaces._read(
        freyfaces.data_directory(real("freyfaces", "frey_rawface.mat"))
        / "freyfaces"
        / "frey_rawface.mat"
    )
    assert (frames.min(), frames.max()) == (8, 238)
    # Vertical neighbours in a face are alike; with rows and columns exchanged they are not.
    upright = frames.reshape(-1, 28, 20).astype(float)
    wrong = frames.reshape(-1, 20, 28).astype(float)
    assert 2 * np.abs(np.diff(upright, axis=1)).mean() < np.abs(np.diff(wrong, axis=1)).mean()
    assert len(FreyFaces(real("freyfaces", "frey_rawface.mat")).load().test) == 200
