"""Curves over computation by hand, whose truth is whose, and who is refused."""

import json

import numpy as np
import pytest

from tests.diagnosis.densities import LINE, recorded
from tests.diagnosis.subjects import no_bar
from tests.evaluation.grids import closed_form
from vaelab.dataset.limit import limited
from vaelab.dataset.linear_gaussian import LinearGaussian
from vaelab.diagnosis.base import Subject
from vaelab.diagnosis.computation import Computation, together
from vaelab.diagnosis.density_records import Density, read, truth
from vaelab.errors import UserError
from vaelab.runs.run import Run
from vaelab.seeding import permutation

CONFIG = {"dataset": LINE, "max_examples": None, "watch": {"examples": None}, "seed": 3}
PASSES = ("decoder_passes", "passes", "seconds")


def diagnosed(folder, subjects, **settings):
    made = Computation(**({"over": ["decoder_passes"], "within": 0.5} | settings))
    files = made(subjects, folder, no_bar)
    assert all(path.is_file() for path in files)
    return json.loads((folder / "computation.json").read_text())["panels"], made


@pytest.fixture
def drawn(monkeypatch):
    """What is drawn, instead of drawing it."""
    seen = []

    def draw(panels, across, path, heading):
        seen.append((panels, across, heading))
        path.touch()
        return path

    monkeypatch.setattr("vaelab.diagnosis.computation.draw", draw)
    return seen


def test_the_truth_is_of_the_examples_that_were_watched():
    data = LinearGaussian(**{k: v for k, v in LINE.items() if k != "_target_"})
    x = data.load().valid.x
    assert truth(CONFIG) == pytest.approx(float(closed_form(data, x).mean()), abs=1e-9)
    mine = x[permutation(30, 3, "log_likelihood")[:7]]
    some = CONFIG | {"watch": {"examples": 7}}
    assert truth(some) == pytest.approx(float(closed_form(data, mine).mean()), abs=1e-9)
    few = closed_form(data, limited(data.load(), 10).valid.x).mean()
    assert truth(CONFIG | {"max_examples": 10}) == pytest.approx(float(few), abs=1e-9)
    assert truth(CONFIG | {"dataset": {"_target_": "vaelab.dataset.digits.Digits",
                                       "binarise": "once"}}) is None  # fmt: skip


def test_spent_is_what_was_recorded_and_what_came_before_training(tmp_path):
    plain = read(recorded(tmp_path, "a", [-3.0, -2.0], [100, 300]))
    assert {name: plain.spent[name].tolist() for name in PASSES} == {
        "decoder_passes": [100, 300], "passes": [300, 900], "seconds": [1, 3],
    }  # fmt: skip
    mapa = read(recorded(tmp_path, "b", [-3.0, -2.0], [100, 300], before=0.5))
    assert mapa.spent["seconds"].tolist() == [1.5, 3.5]
    assert mapa.spent["passes"].tolist() == [300, 900]


def density(values, passes, true):
    return Density(np.array(values), {"decoder_passes": np.array(passes, float)}, true)


def test_seeds_are_averaged_where_all_have_records_above_their_own_truths():
    # On a log axis 10, 100 and 1000 are evenly spaced; records at 0 have no place on it.
    runs = [
        density([-9.0, -4.0, -3.0, -1.0], [0, 10, 100, 1000], -1.0),
        density([-9.0, -6.0, -4.0], [0, 10, 1000], -3.0),
        density([-9.0, -7.0, -6.0, -5.0], [0, 1, 100, 10_000], -2.0),
    ]
    curve = together(runs, "decoder_passes")
    assert 10 < curve.x[0] < 10.2
    assert 980 < curve.x[-1] < 1000
    share = np.log10(curve.x)  # from 1 to 3
    values = [
        np.where(share < 2, -4 + (share - 1), -3 + 2 * (share - 2)) + 1,
        -6 + (share - 1) + 3,
        np.where(share < 2, -7 + share / 2, -6 + (share - 2) / 2) + 2,
    ]
    # A curve is the mean of a stretch, which is its middle where all is straight.
    straight = np.abs(share - 2) > 0.02
    assert straight.sum() >= len(share) - 3
    assert curve.mean[straight] == pytest.approx(np.mean(values, 0)[straight])
    assert curve.spread[straight] == pytest.approx(np.std(values, 0, ddof=1)[straight])
    assert together(runs[:1], "decoder_passes").spread is None


def test_noise_of_records_is_averaged_not_picked_from():
    noisy = density(np.tile([1.0, -1.0], 2000), np.geomspace(1, 100, 4000), 0.0)
    # A single one would be up to 1; of about 27 in each stretch 20 are looked at.
    assert np.abs(together([noisy], "decoder_passes").mean).max() < 0.25


def test_without_a_truth_it_is_log_p_itself():
    curve = together([density([-5.0, -5.0], [1, 10], None)], "decoder_passes")
    assert curve.mean == pytest.approx(np.full(len(curve.x), -5.0))


def test_a_shift_of_data_and_truth_alike_leaves_no_spread():
    values = np.array([-5.0, -4.0])
    runs = [density(values + shift, [1, 10], -1.0 + shift) for shift in (0.0, 0.7, -2.0)]
    assert together(runs, "decoder_passes").spread == pytest.approx(0, abs=1e-12)


def test_runs_that_differ_in_seeds_alone_are_one_curve(tmp_path, drawn):
    other = LINE | {"dim": 4}
    subjects = []
    for seed in (1, 2):
        for data, panel in ((LINE, "thin"), (other, "wide")):
            for rate, name in ((0.1, "fast"), (0.2, "slow")):
                config = {"seed": seed, "dataset": data | {"seed": seed}, "rate": rate}
                label = f"{panel}, {name}, seed {seed}"
                subjects.append(
                    recorded(tmp_path, label, [-9.0 * rate, -8.0 * rate], [5, 50], config)
                )
    found, _ = diagnosed(tmp_path, subjects, over=["decoder_passes", "seconds"])
    assert {name: list(curves) for name, curves in found.items()} == {
        "line": ["fast", "slow"], "line (2)": ["fast", "slow"],
    }  # fmt: skip
    assert found["line"]["slow"]["final"] == [-1.6, -1.6]
    ((panels, across, heading),) = drawn
    assert across == 2
    assert [(one.title, one.axis) for one in panels] == [
        (title, axis) for title in ("line", "line (2)") for axis in ("decoder passes", "seconds")
    ]
    assert heading.about == (
        "stand-in; mean of 2 seeds; band: sd over seeds; truth: the data's own density of the "
        "same examples"
    )
    truths = [truth(CONFIG | {"dataset": LINE | {"seed": s}, "seed": s}) for s in (1, 2)]
    slow = panels[0].curves["slow"]
    assert slow.mean[-1] == pytest.approx(-1.6 - np.mean(truths), abs=0.01)
    assert slow.spread == pytest.approx(np.std(truths, ddof=1))  # the same log p(x) of both
    assert panels[0].known


def test_what_it_took_to_come_near_the_truth(tmp_path, drawn):
    config = {"seed": 1}
    true = truth(CONFIG | config)
    near = recorded(
        tmp_path, "near", [true - 2, true - 0.4, true - 0.6, true - 0.1], [0, 20, 30, 40], config
    )
    far = recorded(tmp_path, "far", [true - 2, true - 0.9], [0, 50], config | {"rate": 2})
    found, made = diagnosed(tmp_path, [near, far])
    one = found["line"]["near"]
    assert one["below_truth"] == [pytest.approx(0.1)]
    assert [one[f"{name}_within"] for name in PASSES] == [[20.0], [60.0], [0.2]]
    assert [one[name] for name in PASSES] == [[40.0], [120.0], [0.4]]
    assert found["line"]["far"]["decoder_passes_within"] == [None]
    lines = made.summary(tmp_path)
    assert lines == [
        f"line, near: log p(x) {true - 0.1:.3f}, 0.100 below the truth; within 0.5 in 1 of 1 "
        "seeds, after 20 decoder passes",
        f"line, far: log p(x) {true - 0.9:.3f}, 0.900 below the truth; within 0.5 in 0 of 1 seeds",
    ]


def test_it_is_drawn(tmp_path):
    subjects = [
        recorded(tmp_path, f"seed {seed}", [-9.0, -6.0 - seed / 9], [0, 50], {"seed": seed})
        for seed in (1, 2)
    ]
    found, _ = diagnosed(tmp_path, subjects, over=["passes", "seconds"])
    assert list(found["line"]) == ["seed 1"]  # nothing is shared: the first one's label
    assert (tmp_path / "computation.png").stat().st_size > 5000


def test_a_run_without_records_says_what_to_set(tmp_path):
    run = Run(tmp_path / "plain")
    run.update(status="complete")
    with pytest.raises(UserError, match=r"plain: has no record .* with watch=log_likelihood"):
        read(Subject("plain", run, CONFIG))


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"over": []}, "over"), ({"over": ["seconds"] * 2}, "over"), ({"within": 0.0}, "within")],
)
def test_impossible_settings_are_refused(settings, said):
    with pytest.raises(UserError, match=f"{said}="):
        Computation(**({"over": ["seconds"], "within": 0.1} | settings))
