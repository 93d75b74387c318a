"""What can only be seen on a GPU: the whole path there, and agreement with the CPU."""

from functools import partial

import pytest
import torch
from rich.console import Console
from small import config, make_task, splits, train

from tests.refine.models import MODELS, lstm, refined_gradients, settings
from vaelab import fit
from vaelab.batch import Batch
from vaelab.build import construct
from vaelab.composing.compose import Composer
from vaelab.composing.validate import validate
from vaelab.distribution import DiagonalGaussian
from vaelab.runs.run import Run
from vaelab.sweeps.plan import container

pytestmark = pytest.mark.gpu


@pytest.fixture(autouse=True)
def needs_cuda():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")


@pytest.mark.parametrize("overrides", [
    ["prior=vamp", "prior.components=7"],
    ["trainer=aggressive", "trainer.max_inner_steps=11"],
    ["trainer=savae", "trainer.steps=3", "prior=vamp", "prior.components=7"],
    ["precision=bf16-mixed", "prior=mog", "prior.components=7"],
    ["optimizer=normalised_adam", "clip_norm=1.0"],
])  # fmt: skip
def test_trains_on_the_gpu(tmp_path, overrides):
    task = train(tmp_path, config("lightning=gpu", "epochs=8", *overrides))
    assert task.splits.train.x.is_cuda
    rows = (tmp_path / "metrics.csv").read_text().splitlines()
    column = rows[0].split(",").index("val/bound")
    bounds = [float(row.split(",")[column]) for row in rows[1:]]
    assert bounds[-1] > bounds[0]


@pytest.mark.parametrize(
    ("architecture", "small"),
    [
        ("hvae", ["architecture.width=12"]),
        ("conv_hvae", ["architecture.width=12", "architecture.channels=4"]),
        ("pixel_hvae", ["architecture.width=12", "architecture.channels=4"]),
    ],
)
def test_two_levels_train_are_evaluated_and_sampled_on_the_gpu(tmp_path, architecture, small):
    words = [
        f"architecture={architecture}", "architecture.latent_dims=[3,2]", *small, "prior=vamp",
        "prior.components=7", "lightning=gpu", "epochs=2", "evaluation.samples=4",
        "evaluation.autoregressive_samples=2", "evaluation.autoregressive_examples=5",
    ]  # fmt: skip
    settings = validate(container(Composer().cells(words)[0]))
    run = Run(tmp_path)
    run.write_config(settings, [])
    fit.fit(settings, run, Console(quiet=True))
    assert run.read()["metrics"]["test"]["nll"]["value"] > 0
    assert (run.figures / "components.png").exists()


def test_gradients_agree_with_the_cpu(monkeypatch):
    monkeypatch.setattr(
        "vaelab.distribution.torch.randn", lambda *shape, **kw: torch.full(shape, 0.3, **kw)
    )
    cpu, gpu = make_task(config("optimizer=sgd")), make_task(config("optimizer=sgd")).cuda()
    gpu.configure_optimizers()
    x = (torch.rand(32, 1, 8, 8) < 0.5).float()
    one = cpu.descend(Batch(x, torch.arange(32)), "phi", "theta")
    two = gpu.descend(Batch(x.cuda(), torch.arange(32).cuda()), "phi", "theta")
    torch.testing.assert_close(two.value.cpu(), one.value, atol=1e-3, rtol=1e-4)
    for a, b in zip(cpu.everything, gpu.everything, strict=True):
        torch.testing.assert_close(b.cpu(), a, atol=1e-4, rtol=1e-3)


def test_evaluation_agrees_with_the_cpu():
    settings = config("evaluation.samples=2000", "evaluation.examples=50")
    evaluation = construct(settings["evaluation"], {})
    task = make_task(settings, splits())
    found = {}
    for device in ("cpu", "cuda"):
        task.to(device)
        data = task.splits.test.to(device)
        found[device] = evaluation(
            task.vae, lambda batch: task.inference.posterior(task, batch), data, "test", True
        ).metrics["nll"]
    # Two estimates with noise of their own, of images binarised by generators of their own.
    noise = (found["cpu"].se ** 2 + found["cuda"].se ** 2) ** 0.5
    assert abs(found["cpu"].value - found["cuda"].value) < 4 * noise


def test_a_whole_run_on_the_gpu(tmp_path):
    run = Run(tmp_path)
    fit.fit(config("lightning=gpu", "epochs=2"), run, Console(quiet=True))
    assert run.read()["cost"]["peak_device_memory_bytes"] > 0


@pytest.mark.parametrize("inner_grad", ["exact", "fd"])
@pytest.mark.parametrize("model", ["lstm", "pixelcnn", "mlp"])
@pytest.mark.parametrize("training", [True, False])
def test_gradients_through_refinement_agree_with_the_cpu(monkeypatch, model, inner_grad, training):
    """In training and in evaluation mode, in which cuDNN's LSTM takes no gradient of its own."""
    found = []
    monkeypatch.setattr(DiagonalGaussian, "rsample", lambda self, k: self.mean.expand(k, -1, -1))
    for place in ("cpu", "cuda"):
        make = partial(lstm, dropout=0.0) if model == "lstm" else MODELS[model]
        vae, x = make(dtype=torch.float32)
        vae = vae.to(place).train(training)
        _, gradients, _ = refined_gradients(vae, x.to(place), settings(inner_grad=inner_grad))
        found.append(torch.cat([one.flatten().cpu() for one in gradients]))
    torch.testing.assert_close(found[1], found[0], rtol=0.01, atol=0.01 * float(found[0].std()))
