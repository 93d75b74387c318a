"""OMNIGLOT from drawings: area averages, drawers, complete archives."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from vaelab.dataset import omniglot_raw
from vaelab.dataset.omniglot import Omniglot
from vaelab.dataset.omniglot_raw import OmniglotRaw, shrink
from vaelab.errors import UserError


def test_area_averages_by_hand():
    ink = np.zeros((1, 105, 105), bool)
    ink[0, :4, :15] = True  # pixel (0, 0) covers rows 0..3.75 and columns 0..3.75: all ink
    small = shrink(ink)[0]
    assert small[0].tolist() == [225, 225, 225, 225] + [0] * 24  # 15 = 4 * 3.75 columns
    # row 1 covers 3.75..7.5: a quarter row of ink out of 3.75 is 1/15 of the area
    assert small[1].tolist() == [15, 15, 15, 15] + [0] * 24
    assert small[2:].sum() == 0


def test_area_averages_are_those_of_a_grid_both_sizes_divide():
    ink = np.random.RandomState(0).random_sample((3, 105, 105)) < 0.2
    fine = ink.repeat(4, 1).repeat(4, 2)  # 420 x 420: 4 to a large pixel, 15 to a small one
    assert (shrink(ink) == fine.reshape(3, 28, 15, 28, 15).sum((2, 4))).all()


@pytest.fixture
def reduced(writer, tmp_path, monkeypatch):
    """Two archives of 4 and 3 characters, each drawing telling its drawer."""
    (tmp_path / "omniglot").mkdir()
    writer.omniglot_raw(tmp_path / "omniglot", {"background": 4, "evaluation": 3})
    counts = {"images_background.zip": 4, "images_evaluation.zip": 3}
    monkeypatch.setattr(omniglot_raw, "CHARACTERS", counts)
    monkeypatch.setattr("vaelab.dataset.omniglot_protocol._HELD_OUT", {"savae": 10})
    return tmp_path


def drawers(x):
    """Who drew each image: drawer d's ink is 5 d rows of 15 columns, i.e. 75 d pixels of 16."""
    return x.flatten(1).long().sum(1) / (75 * 16)


def test_fifteen_drawers_train_and_five_test(reduced):
    splits = OmniglotRaw(str(reduced), protocol="savae").load()
    assert (len(splits.train), len(splits.valid), len(splits.test)) == (95, 10, 35)
    train = drawers(splits.train.x)
    assert set(train.tolist()) == set(map(float, range(1, 16)))
    # the test images are binarised; most of their ink is whole, rows 16..20 x 5 of it
    test = splits.test.x[:, 0, :, 0].sum(1)
    assert test.min() >= 16 * 5 * 28 // 105
    # drawings are upright and black is ink: ink at the top left, taller than wide
    x = splits.train.x.float()[:, 0]
    assert (x[:, 0, :4] == 225).all()
    assert (x[:, :, 4:] == 0).all()


def test_the_label_says_it_is_no_paper_data(tmp_path):
    assert OmniglotRaw(str(tmp_path)).labels == ("stand-in",)
    assert OmniglotRaw(str(tmp_path), shrink=2).labels == ("stand-in", "images shrunk to 14x14")


def test_shrunk_drawings_are_means_of_the_small_ones(reduced):
    whole, half = (OmniglotRaw(str(reduced), protocol="savae", shrink=k).load() for k in (1, 2))
    means = torch.nn.functional.avg_pool2d(whole.train.x.float(), 2)
    assert torch.equal(half.train.x, means)  # 225ths, and the same divisor reads them
    assert half.train.read == whole.train.read
    assert half.valid.x.shape == (10, 1, 14, 14)


def test_an_archive_with_a_missing_drawing_is_refused(reduced):
    path = reduced / "omniglot" / "images_evaluation.zip"
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    held.popitem()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in held.items():
            archive.writestr(name, data)
    with pytest.raises(UserError, match=r"images_evaluation.zip is not.* 2 of 3 characters"):
        OmniglotRaw(str(reduced), protocol="savae").load()


def test_a_truncated_archive_is_refused(reduced):
    path = reduced / "omniglot" / "images_background.zip"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(UserError, match=r"images_background.zip is truncated or damaged"):
        OmniglotRaw(str(reduced), protocol="savae").load()


@pytest.mark.data
def test_real_archives_are_complete(real):
    folder = Path(real("omniglot", *omniglot_raw.CHARACTERS)) / "omniglot"
    for name, count in omniglot_raw.CHARACTERS.items():
        assert len(omniglot_raw._characters(folder / name)) == count


@pytest.mark.slow
@pytest.mark.data
def test_real_drawings_stand_as_those_of_the_stand_in_do(real):
    names = ("images_background.zip", "images_evaluation.zip", "chardata_standin.mat")
    folder = real("omniglot", *names)
    ours = OmniglotRaw(folder, protocol="iwae").load().train.x.float().flatten(1) / 225
    theirs = Omniglot(folder, file="chardata_standin.mat", protocol="iwae").load().train.x
    # 1 - pixel, area-averaged: mean 0.078 on a sample of 2,000 drawings (measured elsewhere)
    assert abs(ours.mean() - 0.078) < 0.004

    # The stand-in was made with darker ink and in another order: compare with the most similar.
    def best_cosine(x):
        x = torch.nn.functional.normalize(x.flatten(1), dim=1)
        return (torch.nn.functional.normalize(ours[:300], dim=1) @ x.T).amax(1).mean()

    assert best_cosine(theirs) > 0.94
    assert best_cosine(theirs.transpose(2, 3)) < 0.88
