import math

import pytest

from report import made_up
from vaelab.report.record import read
from vaelab.report.seeds import groups
from vaelab.report.settings import differing


def run(tmp_path, name, nll, **more):
    return read(made_up.write(tmp_path / name, metrics={"test": made_up.measured(nll)}, **more))


def test_mean_and_standard_deviation_over_seeds(tmp_path):
    found = [run(tmp_path, f"h/seed{seed}", nll) for seed, nll in ((1, 10.0), (2, 13.0), (3, 19.0))]
    (group,) = groups(found)
    assert (group.members, group.seeds) == ((0, 1, 2), [1, 2, 3])
    spread = group.spread("nll")
    assert (spread.mean, spread.n) == (14.0, 3)
    assert spread.sd == pytest.approx(math.sqrt((16 + 1 + 25) / 2))
    assert group.spread("elbo") is None


def test_one_seed_has_no_spread(tmp_path):
    (group,) = groups([run(tmp_path, "h/seed1", 10.0)])
    assert group.spread("nll").sd is None


def test_two_runs_of_one_seed_are_one_value(tmp_path):
    found = [run(tmp_path, "a/seed1", 10.0), run(tmp_path, "b/seed1", 12.0)]
    found.append(run(tmp_path, "a/seed2", 15.0))
    (group,) = groups(found)
    spread = group.spread("nll")
    assert (spread.mean, spread.n) == (13.0, 2)  # of 11 and 15
    assert spread.sd == pytest.approx(math.sqrt(8))


def test_a_seed_that_diverged_is_not_left_out(tmp_path):
    found = [run(tmp_path, "h/seed1", 10.0), run(tmp_path, "h/seed2", math.inf)]
    spread = groups(found)[0].spread("nll")
    assert spread.mean == math.inf
    assert spread.sd is None
    assert spread.n == 2


@pytest.mark.parametrize(
    ("changes", "results"),
    [
        ({"prior.init": "x"}, {}),
        ({"evaluation.samples": 5000}, {}),
        ({}, {"labels": ["reduced: 5 examples"]}),
    ],
    ids=["settings", "evaluation", "labels"],
)
def test_what_is_not_alike_is_not_averaged(tmp_path, changes, results):
    found = [run(tmp_path, "h/seed1", 10.0)]
    found.append(run(tmp_path, "h/seed2", 11.0, changes=changes, **results))
    assert [group.members for group in groups(found)] == [(0,), (1,)]


def test_the_form_of_an_evaluation_does_not_matter(tmp_path):
    found = [run(tmp_path, "h/seed1", 10.0)]
    found.append(run(tmp_path, "h/seed2", 11.0, changes={"evaluation.splits": ["test"]}))
    assert [group.members for group in groups(found)] == [(0, 1)]


def test_what_was_typed_to_follow_the_seed_is_the_seed(tmp_path):
    found = [
        run(
            tmp_path,
            f"{seed}/seed{seed}",
            10.0,
            changes={"dataset.seed": seed, "seed": seed},
            typed=["dataset.seed=${seed}", f"seed={seed}"],
        )
        for seed in (1, 2)
    ]
    found.append(run(tmp_path, "3/seed3", 11.0, changes={"dataset.seed": 1}, typed=["seed=3"]))
    assert [group.members for group in groups(found)] == [(0, 1), (2,)]
    assert differing(found[:2]) == []
    assert found[0].hash != found[1].hash  # of runs, which have other data
