"""The ELBO along a refinement, of a model whose best posterior is known."""

import json
from types import SimpleNamespace

import pytest
import torch
from small import config, make_task

from tests.diagnosis.subjects import Known, no_bar
from tests.evaluation.linear_gaussian import LinearGaussian
from vaelab.diagnosis.refinement import Refinement, steps_to_look_at
from vaelab.errors import UserError
from vaelab.evaluation.measure import measure

CPU = torch.device("cpu")
GIVEN = {"steps": 200, "step_size": 0.02, "momentum": 0.5, "samples": 300, "examples": None,
         "split": "test", "seed": 1, "epoch": None}  # fmt: skip


def test_the_gap_is_the_divergence_of_the_encoder_and_closes(tmp_path):
    toy = LinearGaussian(shift=0.5, widen=2.0)
    written = Refinement(**GIVEN)([Known("wrong", toy)], tmp_path, no_bar)
    assert {path.name for path in written} == {"refinement.json", "refinement.png"}
    one = json.loads((tmp_path / "refinement.json").read_text())["runs"]["wrong"]
    assert one["step"][0] == 0
    assert one["step"][-1] == 200
    assert len(one["step"]) == len(one["elbo"])
    assert one["gap"] == pytest.approx(one["elbo"][-1] - one["elbo"][0])
    # Steps on single draws do not settle: a little of the gap stays open.
    assert 0.9 * toy.gap() < one["gap"] <= toy.gap() + 4 * one["se"]
    words = Refinement(**GIVEN).summary(tmp_path)
    assert "in 200 steps, gap" in words[0]


@pytest.mark.parametrize("steps", [0, 1, 2, 5, 20, 33, 400])
def test_steps_that_are_looked_at(steps):
    looked = steps_to_look_at(steps)
    assert looked == sorted(set(looked))
    assert (looked[0], looked[-1]) == (0, steps)
    assert len(looked) <= 45


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"samples": 0}, "samples=0"), ({"examples": 1}, "examples=1"), ({"steps": -1}, "steps=-1"),
     ({"step_size": 0}, "step_size=0"), ({"momentum": 1}, "momentum=1")],
)  # fmt: skip
def test_impossible_settings_are_refused(changed, words):
    with pytest.raises(UserError, match=words):
        Refinement(**(GIVEN | changed))


def test_the_same_noise_at_every_step(tmp_path):
    """An encoder that is right already: the curve moves by what steps change, not by chance."""
    settings = GIVEN | {"step_size": 1e-9, "steps": 3, "samples": 5}
    Refinement(**settings)([Known("exact", LinearGaussian())], tmp_path, no_bar)
    one = json.loads((tmp_path / "refinement.json").read_text())["runs"]["exact"]
    assert torch.tensor(one["elbo"]).std() < 1e-5


def test_a_refined_run_s_curve_ends_where_its_evaluation_is(tmp_path):
    task = make_task(config("trainer=savae", "trainer.steps=4", "trainer.step_size=1",
                            "trainer.inner_reduction=batch_mean", "batch_size=16"))  # fmt: skip
    loaded = SimpleNamespace(
        vae=task.vae.eval(), posterior=lambda batch: task.inference.posterior(task, batch),
        splits=task.splits, config={"batch_size": 16}, epoch=1, labels=[], device=CPU,
    )  # fmt: skip
    subject = SimpleNamespace(label="a", load=lambda epoch: loaded)
    own = GIVEN | {"steps": None, "step_size": None, "momentum": None, "examples": 50}
    Refinement(**own)([subject], tmp_path, no_bar)
    one = json.loads((tmp_path / "refinement.json").read_text())["runs"]["a"]
    found = measure(
        task.vae, loaded.posterior, task.splits.test, "test", seed=1, samples=300, examples=50,
        rows=5000, progress=lambda n: None,
    ).scores.elbo  # fmt: skip
    assert one["step"][-1] == 4
    assert one["elbo"][-1] == pytest.approx(float(found.mean()), abs=1.0)
    assert one["gap"] > 5  # and would be half of that with steps of 1/50 in place of 1/16
