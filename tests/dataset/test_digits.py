"""The digits are scikit-learn's, without importing it."""

import numpy as np
import torch
from sklearn.datasets import load_digits

from vaelab.dataset.digits import Digits
from vaelab.traits import Trait


def test_images_are_those_of_scikit_learn_in_shuffled_order():
    images = load_digits().images
    order = np.random.RandomState(4).permutation(1_797)
    splits = Digits(split_seed=4, binarise_seed=9).load()
    assert (splits.train.x[:, 0].numpy() == images[order[:1_297]]).all()
    stream = np.random.RandomState(9)
    valid, test = images[order[1_297:1_547]] / 16, images[order[1_547:]] / 16
    assert (splits.valid.x[:, 0].numpy() == stream.binomial(1, valid)).all()
    assert (splits.test.x[:, 0].numpy() == stream.binomial(1, test)).all()


def test_training_images_can_be_binarised_once_too():
    images = load_digits().images
    order = np.random.RandomState(4).permutation(1_797)
    drawn = Digits(split_seed=4, binarise_seed=9).load()
    fixed = Digits(split_seed=4, binarise_seed=9, binarise="fixed").load()
    assert torch.equal(fixed.valid.x, drawn.valid.x)
    assert torch.equal(fixed.test.x, drawn.test.x)
    stream = np.random.RandomState(9)
    stream.binomial(1, images[order[1_297:]] / 16)  # validation, then test
    assert (fixed.train.x[:, 0].numpy() == stream.binomial(1, images[order[:1_297]] / 16)).all()
    assert Trait.FIXED in Digits(binarise="fixed").offers
    assert Trait.FIXED not in Digits().offers


def test_full_ink_is_always_drawn():
    split = Digits().load().train
    x = split[torch.arange(len(split))]
    assert (x[split.x == 16] == 1).all()
    assert (x[split.x == 0] == 0).all()
    assert abs(x.mean() - split.x.float().mean() / 16) < 0.005  # 83,008 draws: 0.0017 each
