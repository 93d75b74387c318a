"""MNIST's fixed binarisation against numpy's stream, and its training draws."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch

from vaelab.dataset.mnist import Mnist
from vaelab.errors import UserError


@pytest.fixture
def small(writer, tmp_path, monkeypatch):
    """30 training images of which 10 are held out (4 by iwae), and 5 test images."""
    folder = tmp_path / "mnist"
    folder.mkdir()
    rng = np.random.RandomState(0)
    images = {"train": rng.randint(0, 256, (30, 28, 28)), "t10k": rng.randint(0, 256, (5, 28, 28))}
    paths = {}
    for name, values in images.items():
        path = folder / f"{name}-images-idx3-ubyte.gz"
        path.write_bytes(gzip.compress(writer.idx(values.astype(np.uint8))))
        paths[path.name] = path
    sizes = {"vampprior": (20, 10, 5), "iwae": (26, 4, 5)}
    writer.expect("mnist", paths, monkeypatch, sizes=sizes)
    return str(tmp_path), images["train"], images["t10k"]


def test_held_out_images_are_numpys_seed_777_valid_then_test(small):
    folder, train, test = small
    np_stream = np.random.RandomState(777)
    valid = np_stream.binomial(1, train[20:].astype(np.float32) / 255)
    drawn = np_stream.binomial(1, test.astype(np.float32) / 255)
    for _ in range(2):  # parsed, then from the cache
        splits = Mnist(folder).load()
        assert (splits.valid.x[:, 0].numpy() == valid).all()
        assert (splits.test.x[:, 0].numpy() == drawn).all()
        assert (splits.train.x[:, 0].numpy() == train[:20]).all()
    other = Mnist(folder, binarise_seed=1).load()
    assert not (other.test.x[:, 0].numpy() == drawn).all()


def test_iwae_holds_out_the_last_images_and_keeps_all_grey(small):
    folder, train, test = small
    splits = Mnist(folder, protocol="iwae").load()
    assert (splits.train.x[:, 0].numpy() == train[:26]).all()
    assert (splits.valid.x[:, 0].numpy() == train[26:]).all()
    assert (splits.test.x[:, 0].numpy() == test).all()


def test_training_draws_have_the_grey_level_as_mean(small):
    folder, train, _ = small
    split = Mnist(folder).load().train
    torch.manual_seed(0)
    draws = torch.stack([split[torch.arange(20)] for _ in range(200)])
    p = torch.from_numpy(train[:20] / 255).float()[:, None]
    error = (draws.mean(0) - p) / (p * (1 - p) / 200).sqrt().clamp(min=1e-9)
    always = (p == 0) | (p == 1)
    assert (draws.mean(0)[always] == p[always]).all()
    assert error[~always].abs().max() < 5.5  # 15,680 standard normals: 4.1 expected
    assert abs(error[~always].pow(2).mean() - 1) < 0.1


def test_a_damaged_file_is_named(small):
    folder, _, _ = small
    path = Path(folder) / "mnist" / "t10k-images-idx3-ubyte.gz"
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    with pytest.raises(UserError, match=r"t10k-images-idx3-ubyte.gz is truncated"):
        Mnist(folder).load()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(UserError, match=r"t10k-images-idx3-ubyte.gz is damaged or not the"):
        Mnist(folder).load()
