"""A run from config to results: what the folder says, and that saying it again changes nothing."""

import io
import json
import math

import pytest
import torch
from rich.console import Console
from small import config
from torch import nn

from tests.architecture.published import architecture
from vaelab import assemble, checkpoint, fit, results
from vaelab.errors import UserError
from vaelab.runs.run import Run

ALWAYS = {"elbo", "nll", "reconstruction", "kl", "inference_gap", "ess", "mi", "mi_full", "au"}
ALWAYS |= {"iwae", "kl_qp"}


def fitted(folder, *overrides):
    run = Run(folder)
    folder.mkdir(parents=True, exist_ok=True)
    fit.fit(config(*overrides), run, Console(quiet=True))
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return fitted(tmp_path_factory.mktemp("run"), "prior=vamp", "prior.components=7")


def test_results_say_estimator_samples_and_split(run):
    metrics = run.read()["metrics"]
    assert set(metrics) == {"valid", "test"}
    for split in metrics.values():
        assert set(split) == ALWAYS | {"bpd"}
        for name, metric in split.items():
            assert {"value", "se", "estimator", "samples", "n"} <= set(metric), name
            assert metric["n"] == 20
        assert split["nll"]["samples"] == 4
        assert split["nll"]["se"] > 0


def test_reported_numbers_agree_with_each_other(run):
    for split in run.read()["metrics"].values():
        value = {name: metric["value"] for name, metric in split.items()}
        assert value["elbo"] == pytest.approx(value["reconstruction"] - value["kl"])
        assert value["inference_gap"] == pytest.approx(-value["nll"] - value["elbo"])
        assert value["inference_gap"] >= 0
        assert value["bpd"] == pytest.approx(value["nll"] / (64 * math.log(2)))
        assert 1 <= value["ess"] <= 4


def test_results_say_what_it_cost_and_what_was_selected(run):
    results = run.read()
    cost, task_updates = results["cost"], 3 * math.ceil(1297 / 32)
    assert cost["encoder_updates"] == cost["decoder_updates"] == task_updates
    assert cost["decoder_passes"] == 3 * 1297
    assert cost["encoder_passes"] == 3 * 1297 + 7 * task_updates
    assert cost["peak_memory_bytes"] > 1e8
    assert cost["seconds"] >= cost["training_seconds"] > 0
    selected = checkpoint.read(run.checkpoints / "last.ckpt")["callbacks"]["Selection"]
    assert results["best"]["epoch"] == selected["best_epoch"]
    assert results["best"]["val_bound"] == selected["best"]
    assert results["training"] == {"epochs": 3, "ended": "all 3 epochs done"}


def test_figures_are_drawn(run):
    found = {path.stem for path in run.figures.glob("*.png")}
    assert {"samples", "reconstructions", "pseudo_inputs", "curves", "log_likelihood"} <= found


def test_a_picture_that_fails_costs_no_number(tmp_path, monkeypatch):
    def fail(*arguments, **named):
        raise RuntimeError("no font")

    monkeypatch.setattr(results, "draw_figures", fail)
    said = io.StringIO()
    run = Run(tmp_path)
    fit.fit(config("epochs=1"), run, Console(file=said, width=200))
    assert run.read()["metrics"]["test"]["nll"]["value"] > 0
    assert "cost" in run.read()
    assert "figures could not be drawn (no font)" in said.getvalue()


def test_a_run_killed_in_its_evaluation_ends_with_the_same_metrics(run, tmp_path, monkeypatch):
    def die(*arguments):
        raise KeyboardInterrupt

    overrides = ("prior=vamp", "prior.components=7")
    with monkeypatch.context() as patch:
        patch.setattr(fit, "report", die)
        with pytest.raises(KeyboardInterrupt):
            fitted(tmp_path, *overrides)
    again = fitted(tmp_path, *overrides)
    assert again.read()["metrics"] == run.read()["metrics"]


def test_the_same_seed_gives_the_same_run_and_another_another(run, tmp_path):
    same = fitted(tmp_path / "same", "prior=vamp", "prior.components=7")
    assert same.read()["metrics"] == run.read()["metrics"]
    other = fitted(tmp_path / "other", "prior=vamp", "prior.components=7", "seed=2")
    assert other.read()["metrics"] != run.read()["metrics"]


def test_vamp_data_starts_from_training_examples_and_keeps_them(tmp_path):
    settings = config("prior=vamp_data", "prior.components=7", "epochs=2")
    run = Run(tmp_path)
    fit.fit(settings, run, Console(quiet=True))
    task, parts, _ = assemble.load_task(settings, run.checkpoints / "best.ckpt")
    grey = parts.dataset.load().train.x.flatten(1).float()
    u = task.vae.prior.u.flatten(1)
    # Binarised once: each is 0 where some training image is 0 everywhere it must be, 1 likewise.
    for one in u:
        assert set(one.unique().tolist()) <= {0.0, 1.0}
        possible = ((grey > 0) | (one == 0)) & ((grey < grey.max()) | (one == 1))
        assert possible.all(1).any()


def test_warnings_are_said_on_the_terminal_and_in_the_log(tmp_path, monkeypatch):
    """A handler for the log alone would keep them from whoever is watching."""
    monkeypatch.setattr("vaelab.progress.Clock.slowdown", lambda self: 30.0)
    out, run = io.StringIO(), Run(tmp_path)
    with run.logged():
        fit.fit(config("epochs=1"), run, Console(file=out, width=500))
    assert "warning: a step now takes" in out.getvalue()
    assert "a step now takes" in run.log.read_text()


def test_a_missing_checkpoint_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"no checkpoint at .*best.ckpt: train the run first"):
        assemble.load_task(config(), tmp_path / "best.ckpt")


def test_results_are_plain_json(run):
    json.loads(run.results.read_text(), parse_constant=lambda name: pytest.fail(f"{name} in it"))


def test_checkpoints_load_without_running_code(run):
    torch.load(run.checkpoints / "last.ckpt", weights_only=True)


@torch.no_grad()
@pytest.mark.parametrize(
    ("name", "sizes"),
    [("mlp", {"hidden": [8]}), ("resnet_pixelcnn", {"channels": 4, "kernels": [3, 3, 3, 3]})],
)
def test_what_is_compiled_is_what_runs(monkeypatch, name, sizes):
    compiled, calls = [], []
    monkeypatch.setattr(nn.Module, "compile", lambda part: compiled.append(part))
    vae = architecture(name, (1, 8, 8), **sizes)
    assemble.compile_networks(vae)
    for part in compiled:
        part.register_forward_hook(lambda part, *_: calls.append(part))
    x = torch.rand(5, 1, 8, 8).round()
    vae.decoder(vae.encoder(x).rsample(2)).log_prob(x)
    assert calls == compiled
    assert len(compiled) == 2
