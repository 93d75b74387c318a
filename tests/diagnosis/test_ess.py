"""Effective sample sizes of known models, and what the files say of them."""

import json

import numpy as np
import pytest

from tests.diagnosis.subjects import Known, no_bar
from tests.evaluation.linear_gaussian import LinearGaussian
from tests.evaluation.test_iwae import second_moment
from vaelab.diagnosis.ess import Ess
from vaelab.errors import UserError


def ess(**settings):
    given = {"samples": 2000, "examples": None, "split": "test", "seed": 1, "chunk": 20_000}
    return Ess(**(given | {"epoch": None} | settings))


def test_an_exact_posterior_has_all_its_samples_and_another_one_in_rho(tmp_path):
    wrong = LinearGaussian(shift=0.2, widen=1.4)
    subjects = [Known("exact", LinearGaussian()), Known("wrong", wrong)]
    written = ess()(subjects, tmp_path, no_bar)
    report = json.loads((tmp_path / "ess.json").read_text())
    assert sorted(path.name for path in written) == sorted(
        ["ess.json", "ess.png", "ess-1.npz", "ess-2.npz"]
    )
    assert all(path.is_file() for path in written)
    assert (report["split"], report["samples"]) == ("test", 2000)
    exact, other = report["runs"]["exact"], report["runs"]["wrong"]
    assert exact["mean"] == pytest.approx(1.0)
    assert list(exact["quantiles"].values()) == pytest.approx([1.0] * 7)
    assert other["mean"] == pytest.approx(1 / second_moment(wrong), abs=4 * other["se"] + 0.005)
    assert (other["n"], other["epoch"], other["labels"]) == (60, 7, ["stand-in"])


def test_quantiles_are_those_of_the_arrays(tmp_path):
    ess(samples=50)([Known("a", LinearGaussian(shift=0.5))], tmp_path, no_bar)
    one = json.loads((tmp_path / "ess.json").read_text())["runs"]["a"]
    arrays = np.load(tmp_path / one["file"])
    assert set(arrays) == {"index", "ess", "nll"}
    share = arrays["ess"] / 50
    assert one["mean"] == pytest.approx(share.mean())
    assert one["quantiles"]["0.5"] == pytest.approx(np.median(share))
    assert one["quantiles"]["0.05"] == pytest.approx(np.quantile(share, 0.05))
    assert (one["quantiles"]["0.0"], one["quantiles"]["1.0"]) == pytest.approx(
        (share.min(), share.max())
    )


def test_part_of_a_split_and_the_weights_of_an_epoch(tmp_path):
    subject = Known("a", LinearGaussian(shift=0.5))
    ess(examples=11, epoch=3, split="train", samples=5)([subject], tmp_path, no_bar)
    one = json.loads((tmp_path / "ess.json").read_text())["runs"]["a"]
    assert (one["n"], one["epoch"], subject.asked) == (11, 3, [3])


@pytest.mark.parametrize("settings", [{"samples": 0}, {"examples": 1}, {"chunk": 0}])
def test_impossible_settings_are_refused(settings):
    with pytest.raises(UserError, match=f"{next(iter(settings))}=.: must be at least"):
        ess(**settings)
