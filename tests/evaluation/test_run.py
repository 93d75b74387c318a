"""Evaluating a finished run: which files, and what they say."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests.evaluation.conftest import SETTINGS
from tests.evaluation.linear_gaussian import LinearGaussian
from vaelab.bound.iwae import Iwae
from vaelab.bound.switch import Switch
from vaelab.dataset.base import Splits
from vaelab.evaluation import run as command
from vaelab.evaluation.run import evaluate_run
from vaelab.files import write_yaml
from vaelab.learning_rate.constant import Constant
from vaelab.runs.evaluated import settings_hash
from vaelab.runs.run import Run
from vaelab.schedule.linear import Linear

NODE = {"_target_": "vaelab.evaluation.evaluate.Evaluation", **SETTINGS, "samples": 5}


@pytest.fixture
def run(tmp_path, monkeypatch):
    model = LinearGaussian()
    split = model.split(40)

    class Task(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.vae, self.splits = model.vae, Splits(split, split, split)
            self.inference = SimpleNamespace(posterior=lambda task, batch: model.posterior(batch))
            self.bound = Switch(Iwae(K=2), Iwae(K=3), share=0.5, epochs=10)  # the 6th is of K = 3
            self.schedule = Linear(start=0.0, end=1.0, warmup=10, by="epoch")
            self.steps_per_epoch = 4

        def beta_at(self, epoch, step):
            return self.schedule.beta(epoch, step, self.steps_per_epoch)

    parts = SimpleNamespace(
        likelihood=SimpleNamespace(discrete=False),
        dataset=SimpleNamespace(labels=("stand-in",), provenance=lambda: {"protocol": "drawn"}),
        architecture=SimpleNamespace(latent_dims=(2,)),
        learning_rate=Constant(),
    )
    loaded = []

    def load_task(config, path):
        loaded.append(path)
        return Task(), parts, 6

    monkeypatch.setattr(command, "load_task", load_task)
    write_yaml(tmp_path / "run" / "config.yaml", config())
    yield Run(tmp_path / "run")
    assert set(loaded) <= {tmp_path / "run" / "checkpoints" / "best.ckpt"}


def config(**settings):
    return {
        "max_examples": None,
        "select": "best",
        "epochs": 9,
        "trainer": {"name": "joint"},
        "evaluation": NODE | settings,
        "lightning": {"accelerator": "cpu"},
    }


def test_the_file_holds_metrics_settings_and_versions(run):
    path = evaluate_run(run, config(splits=["valid", "test"]))
    assert path.parent == run.folder / "evaluations"
    stored = json.loads(path.read_text())
    assert set(stored["metrics"]) == {"valid", "test"}
    assert stored["metrics"]["test"]["nll"]["samples"] == 5
    assert stored["evaluation"]["seed"] == 1
    assert stored["checkpoint"] == {"file": "best.ckpt", "epoch": 6}
    assert stored["labels"] == ["stand-in"]
    assert stored["data"] == {"protocol": "drawn"}
    assert "torch" in stored["versions"]
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert not run.results.exists()  # the run's own results stay as they are


def test_same_settings_same_file_other_settings_another(run):
    first = evaluate_run(run, config())
    before = json.loads(first.read_text())
    assert evaluate_run(run, config()) == first
    assert json.loads(first.read_text())["metrics"] == before["metrics"]
    other = evaluate_run(run, config(samples=6))
    another_way = evaluate_run(run, config() | {"trainer": {"name": "svi"}})
    assert len({first, other, another_way}) == 3
    assert first.exists()
    assert settings_hash(NODE) == settings_hash(dict(reversed(NODE.items())) | {"samples": 5.0})


def test_per_example_arrays(run):
    path = evaluate_run(run, config(per_example=True))
    arrays = np.load(path.with_name(f"{path.stem}-test.npz"))
    assert set(arrays) == {"index", "nll", "elbo", "ess", "iwae", "variance_0"}
    assert sorted(arrays["index"]) == list(range(40))
    mean = json.loads(path.read_text())["metrics"]["test"]["nll"]["value"]
    assert arrays["nll"].mean() == pytest.approx(mean)


def test_signal_to_noise_is_that_of_the_bound_and_the_beta_of_the_epoch(run):
    node = {"_target_": "vaelab.evaluation.snr.Snr", "draws": 20, "examples": 8, "weights": 4}
    node |= {"splits": ["train"], "seed": 1, "epoch": None}
    stored = json.loads(evaluate_run(run, config() | {"evaluation": node}).read_text())
    found = stored["metrics"]["train"]
    assert set(found) == {"snr_phi", "dsnr_phi", "snr_theta", "dsnr_theta"}
    assert (found["snr_phi"]["samples"], found["snr_phi"]["n"]) == (3, 8)
    assert found["snr_theta"]["estimator"].endswith("mean of 4 weights; Iwae, beta = 0.6")
    assert stored["evaluation"] == {key: node[key] for key in node if key != "_target_"}
