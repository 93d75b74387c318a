from report import made_up
from vaelab.report.record import read
from vaelab.report.settings import differing, flat


def records(tmp_path, *runs):
    """Each run is its changes and what was typed."""
    folders = [
        made_up.write(tmp_path / f"h{number}/seed{number}", changes, typed)
        for number, (changes, typed) in enumerate(runs)
    ]
    return [read(folder) for folder in folders]


VAMP = {"choices.prior": "vamp", "prior": {"_target_": "vaelab.prior.vamp.Vamp", "components": 500}}


def test_a_choice_and_not_what_follows_from_it(tmp_path):
    found = records(tmp_path, ({}, []), (VAMP, ["prior=vamp"]))
    assert differing(found) == ["prior"]  # components says nothing of a standard prior


def test_a_setting_of_the_same_choice(tmp_path):
    other = VAMP | {"prior.components": 200}
    found = records(tmp_path, (VAMP, []), (other, []), ({}, []))
    assert differing(found) == ["prior", "prior.components"]


def test_what_was_typed_is_shown_though_only_one_run_has_it(tmp_path):
    typed = ["prior=vamp", "prior.components=500", "seed=2", "output_dir=here"]
    found = records(tmp_path, ({}, ["output_dir=there"]), (VAMP, typed))
    assert differing(found) == ["prior", "prior.components"]


def test_a_preset_stands_for_what_it_sets(tmp_path):
    preset = {"choices.experiment": "iwae/one", "epochs": 99, "choices.likelihood": "gaussian"}
    found = records(tmp_path, ({}, []), (preset, ["experiment=iwae/one"]))
    assert differing(found) == ["experiment"]


def test_where_and_how_is_no_difference(tmp_path):
    found = records(tmp_path, ({}, ["threads=2"]), ({"threads": 2, "output_dir": "x"}, []))
    assert differing(found) == []


def test_an_evaluation_is_one(tmp_path):
    found = records(tmp_path, ({}, []), ({"evaluation.samples": 5000}, []))
    assert differing(found) == ["evaluation.samples"]


def test_values_are_as_typed():
    config = {"a": {"b": 2.0, "c": [1, 2.0], "d": None, "e": True, "_target_": "x.Y"}, "f": 1e-4}
    assert flat(config) == {"a.b": "2", "a.c": "[1,2]", "a.d": "null", "a.e": "true", "f": "0.0001"}
