"""Burda's OMNIGLOT: the file's content id, stand-ins, protocols."""

import numpy as np
import pytest
import torch
from scipy.io import savemat

from vaelab.composing.identity import config_hash
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


@pytest.mark.parametrize("shrink", [2, 4, 7])
def test_a_shrunk_pixel_is_the_mean_of_its_block_before_anything_is_drawn(shrink):
    grey = np.random.RandomState(2).random_sample((2_005, 784)).astype(np.float32)
    protocol = omniglot_protocol("omniglot", "savae", 3, 4, shrink)
    splits = protocol.split(grey, grey[:6], 1)
    side = 28 // shrink
    small = np.empty((len(grey), 1, side, side))
    for row in range(side):
        for column in range(side):
            rows, columns = (slice(k * shrink, (k + 1) * shrink) for k in (row, column))
            small[:, 0, row, column] = grey.reshape(-1, 28, 28)[:, rows, columns].mean((1, 2))
    order = np.random.RandomState(3).permutation(2_005)
    assert protocol.shape == splits.train.x.shape[1:] == (1, side, side)
    assert np.allclose(splits.train.x.numpy(), small[order[:5]], atol=1e-6)
    stream = np.random.RandomState(4)  # valid, then test
    drawn = [stream.binomial(1, part).astype(float) for part in (small[order[5:]], small[:6])]
    for split, expected in zip((splits.valid, splits.test), drawn, strict=True):
        # a draw may fall on the other side of a mean that is rounded otherwise
        assert (split.x.numpy() != expected).mean() < 1e-4
    assert set(splits.train[torch.arange(5)].unique().tolist()) == {0.0, 1.0}


def test_shrunk_images_stand_upright_and_say_so(folder):
    dataset = Omniglot(str(folder), file="standin.mat", shrink=2)
    assert dataset.labels == ("stand-in", "images shrunk to 14x14")
    assert Omniglot(shrink=4).labels == ("images shrunk to 7x7",)
    assert dataset.provenance()["shrink"] == 2
    x = dataset.load().train.x
    assert x.shape == (50, *dataset.shape) == (50, 1, 14, 14)
    # ink in row 2, columns 12 to 17, is half of row 1, columns 6 to 8
    assert (x[:, 0, 1, 6:9] > 0.49).all()
    assert (x[:, 0, 6:9, 1] < 0.01).all()


@pytest.mark.parametrize("shrink", [0, 3, 56])
def test_blocks_that_do_not_fill_an_image_are_refused(shrink):
    with pytest.raises(UserError, match=rf"dataset.shrink={shrink}: .* use one of 1, 2, 4, 7, 14"):
        Omniglot(shrink=shrink)


def test_runs_from_before_there_was_shrinking_are_found():
    older = {"dataset": {"_target_": "vaelab.dataset.omniglot.Omniglot", "protocol": "savae"}}
    now, small = ({"dataset": older["dataset"] | {"shrink": factor}} for factor in (1, 2))
    assert config_hash(now) == config_hash(older) != config_hash(small)
