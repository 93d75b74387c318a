"""Budgets: limits are "at most", and only full may be held against a paper."""

from dataclasses import replace

import pytest

from vaelab.composing import groups
from vaelab.errors import UserError
from vaelab.reproduce.budget import find

CONFIGS = groups.config_dir()
CONFIG = {
    "epochs": 2000,
    "patience": None,
    "max_examples": None,
    "beta": {"warmup": 100},
    "evaluation": {
        "samples": 5000,
        "examples": None,
        "autoregressive_samples": 60,
        "autoregressive_examples": None,
    },
}


def test_full_changes_nothing():
    full = find("full", CONFIGS)
    assert full.full
    assert full.overrides(CONFIG) == []


def test_a_limit_never_raises_anything_and_null_is_more_than_any_limit():
    short = find("short", CONFIGS)
    assert not short.full
    assert short.overrides(CONFIG) == [
        "epochs=100",
        "beta.warmup=20",
        "evaluation.samples=500",
        "evaluation.examples=1000",
        "evaluation.autoregressive_examples=200",
    ]
    less = CONFIG | {"epochs": 50, "beta": {"value": 1.0}}
    assert short.overrides(less)[0] == "evaluation.samples=500"
    limited = replace(short, patience=10, max_examples=300)
    assert limited.overrides(CONFIG)[2:4] == ["patience=10", "max_examples=300"]


def test_what_is_not_a_number_is_left_for_whoever_checks_settings():
    wrong = CONFIG | {"epochs": "abc", "beta": {"warmup": "abc"}}
    assert find("smoke", CONFIGS).overrides(wrong)[0] == "max_examples=500"


@pytest.mark.parametrize("name", ["full", "short", "smoke"])
def test_only_full_is_full(name):
    budget = find(name, CONFIGS)
    assert budget.full == (name == "full")
    assert budget.means


def test_one_seed_less_is_not_full():
    assert not replace(find("full", CONFIGS), seeds=1).full


def test_a_budget_must_say_every_limit_and_no_other(tmp_path):
    folder = tmp_path / "budget"
    folder.mkdir()
    text = (CONFIGS / "budget" / "full.yaml").read_text()
    (folder / "mine.yaml").write_text(text.replace("epochs: null", "epoch: 3"))
    with pytest.raises(UserError, match="did you mean epochs"):
        find("mine", tmp_path)
    (folder / "mine.yaml").write_text(text.replace("seeds: null", "seeds: 0"))
    with pytest.raises(UserError, match="seeds=0: must be at least 1"):
        find("mine", tmp_path)
    (folder / "mine.yaml").write_text("epochs: [")
    with pytest.raises(UserError, match=r"mine\.yaml: while parsing"):
        find("mine", tmp_path)
    (folder / "mine.yaml").write_text(text.replace("epochs: null", "# "))
    with pytest.raises(UserError, match="epochs is missing"):
        find("mine", tmp_path)
