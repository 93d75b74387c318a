"""Real files: what the papers' pages measured on them."""

import numpy as np
import pytest
import torch

from vaelab.dataset.mnist import Mnist
from vaelab.dataset.static_mnist import StaticMnist

pytestmark = pytest.mark.data


@pytest.fixture
def static(real, real_data):
    folder = real_data / "static_mnist"
    if not folder.is_dir():
        pytest.skip("no real files static_mnist/: set VAELAB_DATA")
    return StaticMnist(str(real("static_mnist"))).load()


def test_static_mnist_means(static):
    splits = (static.train, static.valid, static.test)
    assert [len(split) for split in splits] == [50_000, 10_000, 10_000]
    means = [split.x.sum().item() / split.x.numel() for split in splits]
    assert means == pytest.approx([0.130562, 0.131127, 0.132512], abs=5e-7)


def test_independent_pixels_reach_the_known_likelihood(static, independent_pixels):
    assert independent_pixels(static) == pytest.approx(-205.79, abs=0.01)


def test_static_mnist_test_images_are_sorted_by_class(static):
    """Why no code may take the first N test images: they are zeros, which have a hole."""
    ones = slice(980, 980 + 1_135)  # the classes' counts in MNIST's test set
    ink = static.test.x.float().sum((1, 2, 3))
    assert ink[ones].mean() < 0.6 * ink[:980].mean()
    centre = static.test.x[:, 0, 12:16, 12:16].float().mean((1, 2))
    assert centre[:980].mean() < 0.1 < 0.5 < centre[ones].mean()
    train_centre = static.train.x[:980, 0, 12:16, 12:16].float().mean()
    assert 0.2 < train_centre < 0.6  # shuffled


def test_mnist_is_binarised_as_the_papers_code_does(real):
    folder = real("mnist", "train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz")
    fixed = Mnist(folder).load()
    grey = Mnist(folder, protocol="iwae").load()
    assert [len(s) for s in (grey.train, grey.valid, grey.test)] == [59_600, 400, 10_000]
    assert torch.equal(grey.train.x[:50_000], fixed.train.x)
    valid = torch.cat([grey.train.x[50_000:], grey.valid.x]).flatten(1).numpy()
    stream = np.random.RandomState(777)
    drawn = stream.binomial(1, valid.astype(np.float32) / 255)
    assert (fixed.valid.x.flatten(1).numpy() == drawn).all()
    drawn = stream.binomial(1, grey.test.x.flatten(1).numpy().astype(np.float32) / 255)
    assert (fixed.test.x.flatten(1).numpy() == drawn).all()
    assert abs(grey.train.x.float().mean() / 255 - 0.1307) < 1e-4
