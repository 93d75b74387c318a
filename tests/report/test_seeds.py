import math

import pytest

from report import made_up
from vaelab.report.record import read
from vaelab.report.report import collected
from vaelab.report.seed_sheet import seed_sheet
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


def test_validation_numbers_are_in_no_mean_of_test_numbers(tmp_path):
    found = [run(tmp_path, f"h/seed{seed}", 10.0) for seed in (1, 2)]
    valid = {"valid": made_up.measured(99.0)}
    changes = {"evaluation.splits": ["valid"]}
    found.append(read(made_up.write(tmp_path / "h/seed4", changes, metrics=valid)))
    found.append(run(tmp_path, "h/seed5", 13.0, changes={"evaluation.splits": ["test"]}))
    test, other = groups(found)
    assert (test.members, other.members) == ((0, 1, 3), (2,))
    assert test.spread("nll").mean == 11.0
    sheet = seed_sheet(collected(found, [], "", ""))
    place = [column.name for column in sheet.columns].index("evaluation.splits")
    shown = [row[place].text for row in sheet.rows]
    assert shown == ['["valid","test"]; ["test"]', '["valid"]']


@pytest.mark.parametrize("how", [{"estimator": "exact"}, {"samples": 50}, {"n": 249}])
def test_numbers_that_were_measured_otherwise_are_in_no_mean(tmp_path, how):
    found = [run(tmp_path, "h/seed1", 10.0)]
    metrics = {"test": made_up.measured(11.0)}
    metrics["test"]["nll"] |= how
    found.append(read(made_up.write(tmp_path / "h/seed2", metrics=metrics)))
    found.append(run(tmp_path, "h/seed3", 12.0))
    assert [group.members for group in groups(found)] == [(0, 2), (1,)]


def test_a_metric_that_came_later_and_finer_grids_part_no_runs(tmp_path):
    found = []
    for seed, points in ((1, 4001), (2, 8001)):
        words = f"quadrature, {points} points"
        metrics = made_up.measured() | {"log_likelihood": made_up.metric(-9.0, estimator=words)}
        if seed == 2:
            metrics |= {"iwae": made_up.metric(-9.5)}
        found.append(read(made_up.write(tmp_path / f"h/seed{seed}", metrics={"test": metrics})))
    assert [group.members for group in groups(found)] == [(0, 1)]
    metrics["log_likelihood"]["estimator"] += ", not settled: 0.1 nats in the last doubling"
    found.append(read(made_up.write(tmp_path / "h/seed3", metrics={"test": metrics})))
    assert [group.members for group in groups(found)] == [(0, 1), (2,)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"own_files": {"path": "0a"}}, {"own_files": {"path": "0b"}}),
        ({"own_files": {"path": "0a"}}, {}),
        ({"data": {"files": {"a.txt": "0a"}}}, {"data": {"files": {"a.txt": "0b"}}}),
    ],
)
def test_seeds_of_other_data_are_not_averaged(tmp_path, one, other):
    found = [run(tmp_path, "h/seed1", 10.0, **one), run(tmp_path, "h/seed2", 11.0, **other)]
    found.append(run(tmp_path, "h/seed3", 12.0, **one))
    assert [group.members for group in groups(found)] == [(0, 2), (1,)]
    sheet = seed_sheet(collected(found, [], "", ""))
    assert sheet.columns[1].name == "data"
    assert len({row[1].text for row in sheet.rows}) == 2


def test_a_run_without_numbers_is_a_seed_of_those_of_its_own_files(tmp_path):
    found = [
        run(tmp_path, f"h/seed{seed}", 10.0, own_files={"path": name})
        for seed, name in ((1, "0a"), (2, "0b"))
    ]
    failed = {"metrics": {}, "status": "failed", "own_files": {"path": "0b"}, "data": None}
    found.append(read(made_up.write(tmp_path / "h/seed3", **failed)))
    assert [group.members for group in groups(found)] == [(0,), (1, 2)]


def test_what_a_newer_version_says_besides_is_no_other_data(tmp_path):
    data = {"data": {"split_seed": 0, "binarise": "dynamic"}}
    found = [run(tmp_path, "h/seed1", 10.0), run(tmp_path, "h/seed2", 11.0, **data)]
    assert [group.members for group in groups(found)] == [(0, 1)]
    assert collected(found, [], "", "").data == []


def test_a_run_from_before_a_setting_is_a_seed_of_the_others(tmp_path):
    now = {"evaluation.block": 64, "evaluation.epoch": None, "evaluation.marginal": None}
    found = [run(tmp_path, "h/seed1", 10.0), run(tmp_path, "h/seed2", 11.0, changes=now)]
    found.append(run(tmp_path, "h/seed3", 11.0, changes=now | {"evaluation.block": 8}))
    assert [group.members for group in groups(found)] == [(0, 1), (2,)]


def test_a_mean_of_fewer_seeds_says_so(tmp_path):
    found = [run(tmp_path, f"h/seed{seed}", 10.0 + seed) for seed in (1, 3)]
    found.append(read(made_up.write(tmp_path / "h/seed2", metrics={}, status="failed")))
    (row,) = seed_sheet(collected(found, [], "", "")).rows
    assert "12.00 ± 1.41 (2 of 3 seeds)" in [cell.text for cell in row]


def test_what_was_typed_to_follow_the_seed_is_the_seed(tmp_path):
    found = [
        run(
            tmp_path,
            f"{seed}/seed{seed}",
            10.0,
            changes={"dataset.seed": seed, "seed": seed},
            data={"seed": seed},
            typed=["dataset.seed=${seed}", f"seed={seed}"],
        )
        for seed in (1, 2)
    ]
    found.append(run(tmp_path, "3/seed3", 11.0, changes={"dataset.seed": 1}, typed=["seed=3"]))
    assert [group.members for group in groups(found)] == [(0, 1), (2,)]
    assert differing(found[:2]) == []
    assert found[0].hash != found[1].hash  # of runs, which have other data
