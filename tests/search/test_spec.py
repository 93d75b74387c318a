"""What is wrong with a space's YAML, or with what is typed beside it, in one line each."""

import pytest

from vaelab.composing import groups
from vaelab.errors import UserError
from vaelab.search import spec


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("space: {prior: []}", "space.prior: the list is empty"),
        ("space: {prior: [a, a]}", "space.prior: a, a: names a value twice"),
        ("space: {prior: vamp}", "space.prior=vamp: must be a list, or low and high"),
        ("space: {lr: {low: 2, high: 1}}", "space.lr: low=2 must be below high=1"),
        ("space: {lr: {low: 0, high: 1, log: true}}", "space.lr: low=0: must be above 0 with log"),
        ("space: {lr: {low: 1, high: 2, log: true, step: 1}}", "cannot be used with log: true"),
        ("space: {lr: {low: 1, high: 2, step: 3}}", "step=3: must be above 0 and not pass"),
        ("space: {lr: {low: a, high: 2}}", "space.lr: low=a: must be a number"),
        ("space: {lr: {low: 1}}", "space.lr: high is missing"),
        ("space: {lr: {low: 1, hihg: 2}}", "hihg: no such setting; did you mean high?"),
        ("space: {n: {low: 1.5, high: 2, int: true}}", "low=1.5: must be a whole number"),
        ("space: {a: [1], 'b, a': [2]}", "a is searched twice"),
        ("space: {a: {values: [1], when: {prior: x}}}", "when.prior: must be a list of the space"),
        (
            "space: {prior: [mog], a: {values: [1], when: {prior: mgo}}}",
            "space.a: when.prior=mgo: not one of its values; did you mean mog?",
        ),
        ("space: {}", "space: must name one setting or more"),
        ("trials: 3", "space: must name one setting or more"),
        ("space: {a: [1]}\ntrails: 3", "trails: no such setting; did you mean trials?"),
        ("space: {a: [1]}\ntrials: 0", "trials=0: must be 1 or more"),
        ("space: {a: [1]}\nseeds: [1, 1]", "seeds=[1,1]: must be different whole numbers"),
        ("space: {a: [1]}\nmetric: test/nll", "test data never select anything"),
        ("space: {a: [1]}\nmetric: valid/au", "metric=valid/au: no such metric"),
        ("space: {a: [1]}\nsampler: tpee", "sampler=tpee: no such sampler; did you mean tpe?"),
        ("space: {a: [1]}\nsettings: {a: 2}", "a=2: a is searched; leave it out"),
        (
            "space: {a: [1]}\nsettings: {prior: {b: 1}}",
            "must be one value; write the names",
        ),
        ("space: {a: [1]", "mine.yaml, line 2: expected"),
        ("- a", "must be a mapping of names to values"),
    ],
)
def test_a_wrong_yaml_is_refused_with_file_and_key(tmp_path, text, expected):
    path = tmp_path / "mine.yaml"
    path.write_text(text + "\n")
    with pytest.raises(UserError) as refused:
        spec.find(str(path))
    said = str(refused.value)
    assert said.startswith(str(path))
    assert expected in said
    assert "\n" not in said


def test_what_is_typed_goes_before_what_is_written(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("space: {a: [1]}\nsettings: {epochs: 5, x: 1}\ntrials: 7\n")
    found = spec.typed(spec.find(str(path)), ["epochs=9", "trials=3", "seeds=4,5", "prior=vamp"])
    assert found.settings == {"epochs": "9", "x": "1", "prior": "vamp"}
    assert (found.trials, found.seeds, found.name) == (3, (4, 5), "mine")
    assert spec.typed(found, ["seed=8"]).seeds == (8,)
    for word, expected in [
        ("a=2", "a is searched"),
        ("trials=x", "trials=x: must be a whole number"),
        ("timeout=-1", "must be seconds above 0"),
        ("metric=test/nll", "test data never select anything"),
        ("epochs", "write NAME=VALUE"),
    ]:
        with pytest.raises(UserError, match=expected):
            spec.typed(found, [word])


def test_directions_are_known_and_a_metric_of_the_end_prunes_nothing(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("space: {a: [1]}\n")
    bound = spec.find(str(path))
    assert bound.maximize
    assert bound.pruner == "median"
    nll, elbo = (spec.typed(bound, [f"metric=valid/{name}"]) for name in ("nll", "elbo"))
    assert (nll.maximize, elbo.maximize) == (False, True)
    assert nll.pruner == "none"
    with pytest.raises(UserError, match="goes by the bound"):
        spec.typed(bound, ["metric=valid/nll", "pruner=median"])


@pytest.mark.parametrize("name", groups.options("search", groups.config_dir()))
def test_ours_can_be_read(name):
    found = spec.find(name, groups.config_dir())
    assert found.space
    assert found.name == name
