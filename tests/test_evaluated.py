"""Finding a run's numbers again, those of older versions too."""

import hashlib
import json

import pytest

from vaelab.errors import UserError
from vaelab.files import write_json, write_yaml
from vaelab.runs.evaluated import evaluation_file, results, settings_hash, weights
from vaelab.runs.run import Run

OLD = {"_target_": "vaelab.evaluation.evaluate.Evaluation", "samples": 5000, "seed": 1}
OLD |= {"splits": ["test"], "per_example": True}
NOW = OLD | {"block": 64, "epoch": None, "marginal": None}
NLL = {"test": {"nll": {"value": 84.0}}}
BOTH = {"test": {"nll": {"value": 84.0}, "iwae": {"value": -85.0}}}


@pytest.fixture
def old(tmp_path):
    """A finished run from before IWAE-k was measured, with an evaluation of its own."""
    write_yaml(tmp_path / "config.yaml", {"epochs": 3, "evaluation": OLD})
    run = Run(tmp_path)
    write_json(run.results, {"status": "complete", "metrics": NLL})
    return run


def config(**settings):
    return {"epochs": 3, "max_examples": None, "select": "best", "evaluation": NOW | settings}


def test_new_settings_at_their_neutral_values_leave_the_name_of_a_file():
    # The text that a version with none of the settings took the hash of.
    text = (
        '{"_target_":"vaelab.evaluation.evaluate.Evaluation","per_example":true,"samples":5000,'
        '"seed":1,"splits":["test"]}'
    )
    assert settings_hash(NOW) == settings_hash(OLD)
    assert settings_hash(OLD) == hashlib.sha256(text.encode()).hexdigest()[:8]
    others = [NOW | {"block": 8}, NOW | {"epoch": 3}, NOW | {"marginal": "auto"}]
    assert len({settings_hash(one) for one in [NOW, *others]}) == 4


def test_an_old_run_has_its_old_metrics_and_not_the_new_ones(old):
    for metric in ("", "nll", "-nll", "au.levels.0", "log_likelihood", "nonsense"):
        assert results(old, config(), "test", metric) == old.read(), metric
    for metric in ("iwae", "-iwae", "kl_qp"):
        assert results(old, config(), "test", metric) is None
    assert results(old, config(block=8), "test") is None
    assert results(old, config(epoch=2), "test") is None
    assert results(old, config(marginal="auto"), "test") is None
    assert results(old, config(per_example=False), "test", "nll") is not None


def test_what_is_evaluated_again_is_found_beside_it(old):
    path = evaluation_file(old, config())
    write_json(path, {"metrics": NLL})
    assert results(old, config(), "test", "iwae") is None
    write_json(path, {"metrics": BOTH})
    assert results(old, config(), "test", "iwae") == json.loads(path.read_text())
    assert results(old, config(), "test", "nll") == old.read()
    for settings in ({"epoch": 2}, {"block": 8}):
        assert evaluation_file(old, config(**settings)) != path


def test_the_weights_of_an_epoch_are_named_or_those_that_are_kept(old):
    assert weights(old, config(), None) == old.checkpoints / "best.ckpt"
    assert weights(old, config() | {"select": "last"}, None) == old.checkpoints / "last.ckpt"
    with pytest.raises(UserError, match=r"epoch=4: .* it kept none"):
        weights(old, config(), 4)
    old.checkpoints.mkdir()
    for epoch in (13, 4, 1):
        (old.checkpoints / f"epoch-{epoch}.ckpt").touch()
    assert weights(old, config(), 4) == old.checkpoints / "epoch-4.ckpt"
    with pytest.raises(UserError, match=r"there are 1, 4, 13 ") as caught:
        weights(old, config(), 5)
    assert "\n" not in str(caught.value)
