"""Burda's OMNIGLOT: the file's content id, stand-ins, protocols."""

import numpy as np
import pytest
from scipy.io import savemat

from vaelab.dataset import omniglot
from vaelab.dataset.omniglot import Omniglot
from vaelab.dataset.omniglot_protocol import omniglot_protocol
from vaelab.errors import UserError


@pytest.fixture
def folder(writer, tmp_path, monkeypatch):
    """A data directory with 60 training and 9 test images as chardata.mat and standin.mat."""
    monkeypatch.setattr(omniglot, "_COUNTS", {"data": 60, "testdata": 9})
    monkeypatch.setattr("vaelab.dataset.omniglot_protocol._HELD_OUT", {"vampprior": 10})
    (tmp_path / "omniglot").mkdir()
    grey = {"data": writer.images(60), "testdata": writer.images(9, first=60)}
    held = {key: (writer.columns(x) / 255).T for key, x in grey.items()}
    for name in ("chardata.mat", "standin.mat"):
        savemat(tmp_path / "omniglot" / name, held)
    return tmp_path


def test_only_burdas_bytes_pass_as_his_file(folder):
    with pytest.raises(UserError, match=r"chardata.mat is damaged.*expected git 016a3536"):
        Omniglot(str(folder)).load()


def test_another_file_is_read_only_by_name_and_labelled(folder):
    dataset = Omniglot(str(folder), file="standin.mat")
    assert dataset.labels == ("stand-in",)
    assert Omniglot(str(folder)).labels == ()
    assert dataset.provenance()["file"] == "standin.mat"
    assert len(dataset.load().train) == 50
    with pytest.raises(UserError, match=r"dataset.file=none.mat was not found"):
        Omniglot(str(folder), file="none.mat").load()


def test_a_file_of_another_layout_is_refused(folder):
    path = folder / "omniglot" / "standin.mat"
    dataset = Omniglot(str(folder), file="standin.mat")
    savemat(path, {"data": np.zeros((60, 784)), "testdata": np.zeros((784, 9))})
    with pytest.raises(UserError, match=r"data has shape \(60, 784\), expected \(784, 60\)"):
        dataset.load()
    savemat(path, {"data": np.full((784, 60), 2.0), "testdata": np.zeros((784, 9))})
    with pytest.raises(UserError, match="grey levels in"):
        dataset.load()
    path.write_bytes(b"<html>")
    with pytest.raises(UserError, match="not a readable MATLAB"):
        dataset.load()


def test_iwae_is_the_permutation_of_its_code():
    train = np.arange(24_345, dtype=np.float32)[:, None] * np.ones(784, np.float32)
    test = np.zeros((5, 784), np.float32)
    splits = omniglot_protocol("omniglot", "iwae", None, None).split(train, test, 1)
    order = np.random.RandomState(123).permutation(24_345)
    assert (splits.train.x[:, 0, 0, 0].numpy() == order[:23_000]).all()
    assert (splits.valid.x[:, 0, 0, 0].numpy() == order[23_000:]).all()


def test_vampprior_draws_valid_then_test_from_seed_777():
    grey = np.random.RandomState(1).random_sample((2_000, 784)).astype(np.float32)
    splits = omniglot_protocol("omniglot", "vampprior", 5, None).split(grey, grey[:7], 1)
    stream = np.random.RandomState(777)
    held_out = grey[np.random.RandomState(5).permutation(2_000)[-1_345:]]
    assert (splits.valid.x.flatten(1).numpy() == stream.binomial(1, held_out)).all()
    assert (splits.test.x.flatten(1).numpy() == stream.binomial(1, grey[:7])).all()
