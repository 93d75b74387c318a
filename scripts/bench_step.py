"""Images per second of vaelab's training path against an expert's bare loop, epoch by epoch.

Both train the same network on the same data with the same batch, optimiser and threads, in one
process and in turn: an epoch of vaelab (through Lightning with every callback of a real run;
validation and checkpoints are not timed), then an epoch of the bare loop. The ratio is of median
seconds an epoch, ours over bare.

    python scripts/bench_step.py --architecture mlp hvae --prior standard vamp --threads 2
"""

import argparse
import itertools
import math
import statistics
import tempfile
from pathlib import Path

import torch
from alternate import Alternate
from bare import NETWORKS
from rich.console import Console
from torch import Tensor

from vaelab import assemble, fit
from vaelab.build import build
from vaelab.composing.compose import Composer
from vaelab.composing.validate import validate
from vaelab.dataset.base import Split, Splits
from vaelab.runs.run import Run
from vaelab.sweeps.plan import container
from vaelab.threads import use


class BareImages:
    """The bare loop: its network, optimiser and data.

    Called, it makes one epoch.
    """

    def __init__(
        self, data: Tensor, batch: int, network: str, vamp: bool, device: torch.device
    ) -> None:
        self.data, self.batch, self.device = data.to(device), batch, device
        self.model = NETWORKS[network](data.shape[1], vamp).to(device)
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=5e-4, fused=True)

    def __call__(self) -> None:
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


def measure(
    network: str, prior: str, count: int, batch: int, epochs: int, accelerator: str
) -> None:
    data = images(count)
    overrides = [
        "dataset=static_mnist", f"architecture={network}", f"prior={prior}", "patience=null",
        f"epochs={epochs + 1}", f"batch_size={batch}", f"lightning={accelerator}",
        "optimizer=adam", "beta=constant",
    ]  # fmt: skip
    config = validate(container(Composer().cells(overrides)[0]))
    parts = build(config)
    split = Split(data.view(-1, 1, 28, 28))
    small = Split(data[:batch].view(-1, 1, 28, 28))
    task = assemble.make_task(config, parts, Splits(split, small, small))
    device = torch.device("cuda" if accelerator == "gpu" else "cpu")
    callback = Alternate(BareImages(data, batch, network, prior == "vamp", device), device)
    with tempfile.TemporaryDirectory() as folder:
        quiet = Console(quiet=True)
        fit.train(config, parts, task, Run(Path(folder)), quiet, [callback])
    ours, bare = callback.ours[1:], callback.bare[1:]  # the first epoch of each warms up
    rates = [count / statistics.median(times) for times in (ours, bare)]
    pairs = [o / b for o, b in zip(ours, bare, strict=True)]
    steps = math.ceil(count / batch)
    extra = 1000 * (statistics.median(ours) - statistics.median(bare)) / steps
    print(
        f"{network} {prior}: vaelab {rates[0]:,.0f} images/s, bare loop {rates[1]:,.0f}, "
        f"{extra:+.2f} ms a step, epochs' ratios {min(pairs):.2f} to {max(pairs):.2f}, "
        f"median of {len(ours)}: ratio={statistics.median(ours) / statistics.median(bare):.3f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--architecture", nargs="+", default=["mlp"], choices=list(NETWORKS))
    parser.add_argument("--prior", nargs="+", default=["standard", "vamp"])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--epochs", type=int, default=7, help="timed epochs of each (5 or more)")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--accelerator", choices=["cpu", "gpu"], default="cpu")
    given = parser.parse_args()
    use(given.threads)  # for both
    print(f"torch {torch.__version__}, {given.threads} threads, batch {given.batch}")
    for network, prior in itertools.product(given.architecture, given.prior):
        measure(network, prior, given.images, given.batch, given.epochs, given.accelerator)


if __name__ == "__main__":
    main()
