"""The user's own images: found, resized, split, and refused by name."""

import numpy as np
import pytest
from PIL import Image

from vaelab.dataset import folder as folders
from vaelab.dataset.folder import Folder
from vaelab.errors import UserError

GREY = np.random.RandomState(0).randint(0, 256, (20, 6, 5)).astype(np.uint8)


@pytest.fixture
def images(tmp_path):
    """images(SUBFOLDER, arrays): save them as PNG files below the folder."""

    def save(where, arrays, suffix="png"):
        place = tmp_path / "own" / where
        place.mkdir(parents=True, exist_ok=True)
        for number, pixels in enumerate(arrays):
            Image.fromarray(pixels).save(place / f"{number:03d}.{suffix}")
        return str(tmp_path / "own")

    return save


def test_images_are_found_in_subfolders_in_order_of_their_names(images):
    images("b/deep", GREY[10:])
    path = images("a", GREY[:10])
    splits = Folder(path, split_seed=2).load()
    order = np.random.RandomState(2).permutation(20)
    assert (splits.train.x[:, 0].numpy() == GREY[order[:16]]).all()
    assert (splits.valid.x[:, 0].numpy() == GREY[order[16:18]]).all()
    assert (splits.test.x[:, 0].numpy() == GREY[order[18:]]).all()


def test_subfolders_named_as_splits_are_the_splits(images):
    images("train", GREY[:10])
    images("valid", GREY[10:15])
    path = images("test", GREY[15:])
    splits = Folder(path).load()
    for split, part in zip((splits.train, splits.valid, splits.test), (10, 5, 5), strict=True):
        assert len(split) == part
    assert (splits.test.x[:, 0].numpy() == GREY[15:]).all()


def test_hidden_files_and_other_files_are_left_out(images, tmp_path):
    path = images("", GREY)
    (tmp_path / "own" / "notes.txt").write_text("not an image")
    images(".thumbnails", GREY)
    (tmp_path / "own" / ".hidden.png").write_text("not an image")
    assert len(Folder(path).files["train"]) == 20


def test_colour_has_three_channels_in_front(images):
    colour = np.zeros((20, 6, 5, 3), np.uint8)
    colour[:, 2, 3] = (10, 20, 30)
    path = images("", colour)
    dataset = Folder(path, channels=3)
    assert dataset.shape == (3, 6, 5)
    x = dataset.load().train.x
    assert x[:, :, 2, 3].unique(dim=0).tolist() == [[10, 20, 30]]
    assert x[:, :, 3, 2].max() == 0
    assert Folder(path).load().train.x.shape[1:] == (1, 6, 5)


def test_size_resizes_height_then_width(images):
    mixed = [np.full((6, 5), 100, np.uint8)] * 10 + [np.full((9, 20), 100, np.uint8)] * 10
    dataset = Folder(images("", mixed), size=[4, 8])
    assert dataset.shape == (1, 4, 8)
    assert (dataset.load().train.x == 100).all()


def test_mixed_sizes_are_refused_with_both_files(images, tmp_path):
    path = images("", GREY)
    Image.fromarray(np.zeros((7, 7), np.uint8)).save(tmp_path / "own" / "zzz.png")
    match = r"images differ in size: .*000.png is 6x5, .*zzz.png is 7x7; set dataset.size=\["
    with pytest.raises(UserError, match=match):
        Folder(path).load()


@pytest.mark.parametrize("content", [b"", b"<html>", "half"])
def test_an_unreadable_image_is_named(images, tmp_path, content):
    path = images("", GREY)
    broken = tmp_path / "own" / "007.png"
    broken.write_bytes(broken.read_bytes()[:60] if content == "half" else content)
    with pytest.raises(UserError, match=r"007.png is not a readable image"):
        Folder(path).load()


def test_deep_images_are_refused_rather_than_cut(images, tmp_path):
    path = images("", GREY)
    Image.fromarray(np.full((6, 5), 60_000, np.uint16)).save(tmp_path / "own" / "zzz.png")
    with pytest.raises(UserError, match=r"zzz.png has more than 8 bits a channel"):
        Folder(path).load()


def test_a_second_load_reads_no_image_until_one_changes(images, monkeypatch, tmp_path):
    path = images("", GREY)
    first = Folder(path).load()
    calls = []
    read = folders.Folder._read
    monkeypatch.setattr(
        folders.Folder, "_read", lambda self, path: calls.append(path) or read(self, path)
    )
    assert (Folder(path).load().train.x == first.train.x).all()
    assert calls == []
    Image.fromarray(255 - GREY[0]).save(tmp_path / "own" / "000.png")
    assert len(Folder(path).load().train) == 16
    assert len(calls) == 20


def test_what_is_missing_is_said(images, tmp_path):
    with pytest.raises(UserError, match=r"dataset.folder=.*none is not a folder"):
        Folder(str(tmp_path / "none")).load()
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"no image files in .*empty for the split train"):
        Folder(str(tmp_path / "empty")).load()
    with pytest.raises(UserError, match="has a subfolder test but none named train"):
        Folder(images("test", GREY)).load()
    with pytest.raises(UserError, match=r"channels must be 1 or 3 \(got 4\)"):
        Folder("x", channels=4)
    with pytest.raises(UserError, match=r"size must be \[height, width\] or null"):
        Folder("x", size=[3])
