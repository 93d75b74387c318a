"""The user's own arrays: shapes, ranges, missing splits, binarisation, and clear refusals."""

import numpy as np
import pytest
import torch

from vaelab.dataset.npz import Npz
from vaelab.errors import UserError
from vaelab.traits import Trait

GREY = np.random.RandomState(0).randint(0, 256, (40, 6, 5)).astype(np.uint8)


@pytest.fixture
def saved(tmp_path):
    def save(**arrays):
        np.savez_compressed(tmp_path / "own.npz", **arrays)
        return str(tmp_path / "own.npz")

    return save


@pytest.mark.parametrize(
    ("shape", "event", "trait"),
    [
        ((20, 6, 5), (1, 6, 5), Trait.IMAGE),
        ((20, 3, 6, 5), (3, 6, 5), Trait.IMAGE),
        ((20, 30), (30,), Trait.VECTOR),
    ],
)
def test_shape_follows_rank(saved, shape, event, trait):
    dataset = Npz(saved(train=np.full(shape, 0.25, np.float32)))
    assert dataset.shape == event
    assert trait in dataset.offers
    assert dataset.load().train.x.shape[1:] == event


def test_shape_needs_no_data(saved, monkeypatch):
    path = saved(x_train=GREY)
    monkeypatch.setattr(np, "load", None)
    assert Npz(path).shape == (1, 6, 5)
    assert Trait.UNIT_INTERVAL in Npz(path).offers


def test_given_splits_are_kept_and_missing_ones_cut_from_training(saved):
    dataset = Npz(saved(x_train=GREY[:30], test=GREY[30:]), holdout=0.2, split_seed=5)
    splits = dataset.load()
    assert (splits.test.x[:, 0].numpy() == GREY[30:]).all()
    order = np.random.RandomState(5).permutation(30)
    assert (splits.train.x[:, 0].numpy() == GREY[order[:24]]).all()
    assert (splits.valid.x[:, 0].numpy() == GREY[order[24:]]).all()
    whole = Npz(saved(x_train=GREY[:20], x_valid=GREY[20:30], x_test=GREY[30:])).load()
    assert (whole.train.x[:, 0].numpy() == GREY[:20]).all()
    assert (whole.valid.x[:, 0].numpy() == GREY[20:30]).all()


def test_bytes_are_middles_of_bins_and_binary_bytes_stay(saved):
    split = Npz(saved(x_train=GREY)).load().train
    index = torch.arange(4)
    assert torch.equal(split[index], (split.x[index].float() + 0.5) / 256)
    for binary in (GREY > 127, (GREY > 127).astype(np.uint8)):
        split = Npz(saved(x_train=binary)).load().train
        assert set(split[index].unique().tolist()) == {0.0, 1.0}


def test_floats_are_used_as_they_are(saved):
    x = np.random.RandomState(0).random_sample((20, 4, 4))
    split = Npz(saved(x_train=x)).load().train
    rows = np.random.RandomState(0).permutation(20)[:16]
    assert np.allclose(split[torch.arange(16)][:, 0], x[rows], atol=1e-7)


def test_vectors_may_have_any_values(saved):
    x = np.random.RandomState(0).standard_normal((20, 4)) * 10
    dataset = Npz(saved(x_train=x))
    assert dataset.offers == {Trait.VECTOR, Trait.FIXED}
    assert dataset.load().train.x.abs().max() > 1


@pytest.mark.parametrize("kind", ["bytes", "floats"])
def test_binarise_once_or_at_every_use(saved, kind):
    x = GREY if kind == "bytes" else GREY / np.float32(255)
    path = saved(x_train=x[:20], x_valid=x[20:30], x_test=x[30:])
    stream = np.random.RandomState(8)
    p = GREY.astype(np.float32) / 255
    fixed = Npz(path, binarise="fixed", binarise_seed=8)
    splits = fixed.load()
    for split, part in ((splits.train, p[:20]), (splits.valid, p[20:30]), (splits.test, p[30:])):
        assert (split.x[:, 0].numpy() == stream.binomial(1, part)).all()
    assert {Trait.BINARY, Trait.FIXED} <= fixed.offers
    dynamic = Npz(path, binarise="dynamic", binarise_seed=8)
    splits, stream = dynamic.load(), np.random.RandomState(8)
    assert (splits.valid.x[:, 0].numpy() == stream.binomial(1, p[20:30])).all()
    index = torch.arange(20)
    assert not torch.equal(splits.train[index], splits.train[index])
    assert Trait.BINARY in dynamic.offers
    assert Trait.FIXED not in dynamic.offers


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y": GREY}, r"needs an array x_train or train \(it has y\)"),
        ({"x_train": GREY[:0]}, r"train is empty \(shape \(0, 6, 5\)\)"),
        ({"x_train": np.full((9, 4, 4), np.nan)}, "train has NaN or infinite values"),
        ({"x_train": np.full((9, 4, 4), 1.5)}, r"values in \[1.5, 1.5\]"),
        ({"x_train": np.full((9, 4, 4), -0.5)}, "values in"),
        ({"x_train": GREY.astype(int)}, "values of type int64; use uint8 or float32"),
        ({"x_train": GREY[0, 0]}, r"has shape \(5,\); use \[N, H, W\]"),
        ({"x_train": GREY, "x_test": GREY[:, :5]}, "different shapes: train .* test"),
        ({"x_train": GREY, "x_test": GREY / 255}, "different types: train uint8, test float64"),
        ({"x_train": GREY[:1]}, "1 examples are too few"),
        ({"x_train": np.array([{}] * 9, dtype=object)}, "own.npz"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_file(saved, arrays, message):
    path = saved(**arrays)
    with pytest.raises(UserError, match=f"own.npz.*{message}|{message}"):
        _ = Npz(path).shape, Npz(path).load()


def test_settings_are_checked_before_any_file(tmp_path):
    with pytest.raises(UserError, match="binarise=once does not exist; use none or fixed or dyn"):
        Npz("x.npz", binarise="once")
    with pytest.raises(UserError, match=r"holdout must lie between 0 and 0.5 \(got 0.7\)"):
        Npz("x.npz", holdout=0.7)
    with pytest.raises(UserError, match="was not found"):
        Npz(str(tmp_path / "none.npz")).load()


@pytest.mark.parametrize("cut", [0.5, 0.98, 0])
def test_a_damaged_file_is_refused(saved, cut, tmp_path):
    path = tmp_path / saved(x_train=GREY)
    data = path.read_bytes()
    path.write_bytes(data[: int(cut * len(data))] if cut else b"what?")
    with pytest.raises(UserError, match=r"own.npz is not a readable"):
        Npz(str(path)).load()
    middle = len(data) // 2
    path.write_bytes(data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :])
    with pytest.raises(UserError, match=r"own.npz is not a readable .npz file "):
        Npz(str(path)).load()
