"""Images per second of vaelab's training path against an expert's bare loop, epoch by epoch.

Both train the same network on the same data with the same batch, optimiser and threads, in one
process and in turn: an epoch of vaelab (through Lightning with every callback of a real run;
validation and checkpoints are not timed), then an epoch of the bare loop. The ratio is of median
seconds an epoch, ours over bare.

    python scripts/bench_step.py --prior standard vamp --threads 2 --epochs 7
"""

import argparse
import math
import statistics
import tempfile
import time
from pathlib import Path

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from rich.console import Console
from torch import Tensor, nn

from vaelab import fit
from vaelab.build import build
from vaelab.compose import Composer
from vaelab.dataset.base import Split, Splits
from vaelab.plan import container
from vaelab.run import Run
from vaelab.validate import validate

LATENTS, HIDDEN, COMPONENTS = 40, 300, 500


class Gated(nn.Module):
    def __init__(self, i: int, o: int) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(i, o), nn.Linear(i, o)

    def forward(self, x: Tensor) -> Tensor:
        return self.a(x) * torch.sigmoid(self.b(x))


class Bare(nn.Module):
    """The same VAE written for nothing but this loop."""

    def __init__(self, pixels: int, vamp: bool) -> None:
        super().__init__()
        self.enc = nn.Sequential(Gated(pixels, HIDDEN), Gated(HIDDEN, HIDDEN))
        self.mean, self.log_var = nn.Linear(HIDDEN, LATENTS), nn.Linear(HIDDEN, LATENTS)
        self.dec = nn.Sequential(Gated(LATENTS, HIDDEN), Gated(HIDDEN, HIDDEN))
        self.out = nn.Linear(HIDDEN, pixels)
        self.u = nn.Parameter(torch.rand(COMPONENTS, pixels) * 0.1) if vamp else None

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = self.enc(x)
        return self.mean(h), F.hardtanh(self.log_var(h), -6.0, 2.0)

    def loss(self, x: Tensor, beta: float) -> tuple[Tensor, Tensor, Tensor]:
        mean, log_var = self.encode(x)
        noise = torch.randn_like(mean)
        z = torch.addcmul(mean, torch.exp(0.5 * log_var), noise)
        logits = self.out(self.dec(z))
        rec = -F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)
        # The constant of q and of the standard prior cancels.
        log_q = -0.5 * (log_var + noise.square()).sum(-1)
        if self.u is None:
            log_p = -0.5 * z.square().sum(-1)
        else:
            m, v = self.encode(self.u.clamp(0, 1))
            precision = torch.exp(-v)
            weight = torch.cat([-0.5 * precision, m * precision], 1).T
            bias = -0.5 * (v + m * m * precision).sum(-1) - math.log(COMPONENTS)
            log_p = torch.addmm(bias, torch.cat([z * z, z], 1), weight).logsumexp(-1)
        kl = log_q - log_p
        return beta * kl.mean() - rec.mean(), rec, kl


class Alternate(pl.Callback):
    """Times vaelab's epochs and runs one of the bare loop after each."""

    def __init__(self, data: Tensor, batch: int, vamp: bool, device: torch.device) -> None:
        self.data, self.batch, self.device = data.to(device), batch, device
        self.model = Bare(data.shape[1], vamp).to(device)
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=5e-4, fused=True)
        self.ours: list[float] = []
        self.bare: list[float] = []
        self.started = 0.0

    def wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def on_train_epoch_start(self, *_: object) -> None:
        self.wait()
        self.started = time.perf_counter()

    def on_validation_start(self, *_: object) -> None:
        self.wait()
        self.ours.append(time.perf_counter() - self.started)
        started = time.perf_counter()
        with torch.enable_grad():
            self.epoch()
        self.wait()
        self.bare.append(time.perf_counter() - started)

    def epoch(self) -> None:
        order = torch.randperm(len(self.data)).to(self.device)
        total = torch.zeros(2, device=self.device)
        for index in order.split(self.batch):
            x = self.data[index].float()
            loss, rec, kl = self.model.loss(x, 0.5)
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            total += torch.stack([rec.detach().sum(), kl.detach().sum()])


def images(count: int) -> Tensor:
    """Binary 28x28 images with about static MNIST's share of ones; content does not matter."""
    generator = torch.Generator().manual_seed(0)
    return (torch.rand(count, 784, generator=generator) < 0.13).to(torch.uint8)


def measure(prior: str, count: int, batch: int, epochs: int, accelerator: str) -> None:
    data = images(count)
    overrides = [
        "dataset=static_mnist", f"prior={prior}", f"epochs={epochs + 1}", f"batch_size={batch}",
        "patience=null", f"lightning={accelerator}", "optimizer=adam", "beta=constant",
    ]  # fmt: skip
    config = validate(container(Composer().cells(overrides)[0]))
    parts = build(config)
    split = Split(data.view(-1, 1, 28, 28))
    small = Split(data[:batch].view(-1, 1, 28, 28))
    task = fit.make_task(config, parts, Splits(split, small, small))
    device = torch.device("cuda" if accelerator == "gpu" else "cpu")
    callback = Alternate(data, batch, prior == "vamp", device)
    with tempfile.TemporaryDirectory() as folder:
        quiet = Console(quiet=True)
        fit.train(config, parts, task, Run(Path(folder)), quiet, [callback])
    ours, bare = callback.ours[1:], callback.bare[1:]  # the first epoch of each warms up
    rates = [count / statistics.median(times) for times in (ours, bare)]
    pairs = [o / b for o, b in zip(ours, bare, strict=True)]
    steps = math.ceil(count / batch)
    extra = 1000 * (statistics.median(ours) - statistics.median(bare)) / steps
    print(
        f"{prior}: vaelab {rates[0]:,.0f} images/s, bare loop {rates[1]:,.0f}, "
        f"{extra:+.2f} ms a step, epochs' ratios {min(pairs):.2f} to {max(pairs):.2f}, "
        f"median of {len(ours)}: ratio={statistics.median(ours) / statistics.median(bare):.3f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prior", nargs="+", default=["standard", "vamp"])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--epochs", type=int, default=7, help="timed epochs of each (5 or more)")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--accelerator", choices=["cpu", "gpu"], default="cpu")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    print(f"torch {torch.__version__}, {given.threads} threads, batch {given.batch}")
    for prior in given.prior:
        measure(prior, given.images, given.batch, given.epochs, given.accelerator)


if __name__ == "__main__":
    main()
