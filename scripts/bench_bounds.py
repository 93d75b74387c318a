"""Cost of one training step under each bound, all with T = M K = 64 samples of each example.

One process, the same network, data, batch and optimiser; the contestants take turns and a ratio is
the median over rounds of two neighbours in time. `loop` makes its 64 samples one forward pass at a
time and backpropagates their log-mean-exp once; `bare` is a hand-written vectorised IWAE step with
nothing around it. All others are vaelab's own update, with its seeding, gradients and sums.

    python scripts/bench_bounds.py --threads 1
"""

import argparse
import math
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from bench_step import images
from torch import Tensor, nn

from vaelab import assemble
from vaelab.build import build
from vaelab.composing.compose import Composer
from vaelab.composing.validate import validate
from vaelab.dataset.base import Split, Splits
from vaelab.sweeps.plan import container
from vaelab.threads import use

T = 64
BOUNDS = {
    "elbo": ["bound.num_samples=64"],
    "iwae": ["bound.K=64"],
    "miwae": ["bound.M=8", "bound.K=8"],
    "piwae": ["bound.M=8", "bound.K=8"],
    "ciwae": ["bound.K=64"],
    "stl": ["bound.K=64"],
    "dreg": ["bound.K=64"],
    "rws": ["bound.K=64"],
}


class Bare(nn.Module):
    """The one-layer tanh network of the IWAE paper, by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(784, 200), nn.Tanh(), nn.Linear(200, 200), nn.Tanh())
        self.mean, self.log_sigma = nn.Linear(200, 50), nn.Linear(200, 50)
        self.decoder = nn.Sequential(
            nn.Linear(50, 200), nn.Tanh(), nn.Linear(200, 200), nn.Tanh(), nn.Linear(200, 784)
        )

    def log_w(self, x: Tensor, samples: int) -> Tensor:
        h = self.hidden(x)
        mean, log_sigma = self.mean(h), self.log_sigma(h)
        eps = torch.randn(samples, *mean.shape)
        z = mean + log_sigma.exp() * eps
        logits = self.decoder(z)
        log_px = x.mul(logits).sum(-1) - F.softplus(logits).sum(-1)
        return log_px - 0.5 * z.square().sum(-1) + (0.5 * eps.square() + log_sigma).sum(-1)


def bare_step(data: Tensor, batch: int, separate: bool) -> Callable[[int], None]:
    model = Bare()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)

    def step(number: int) -> None:
        x = data[number * batch : (number + 1) * batch].float()
        if separate:
            log_w = torch.cat([model.log_w(x, 1) for _ in range(T)])
        else:
            log_w = model.log_w(x, T)
        optimiser.zero_grad()
        (math.log(T) - log_w.logsumexp(0)).mean().backward()
        optimiser.step()

    return step


def our_step(data: Tensor, batch: int, bound: str) -> Callable[[int], None]:
    overrides = [
        "dataset=static_mnist", "architecture=tanh_mlp", f"bound={bound}", *BOUNDS[bound],
        f"batch_size={batch}", "lightning=cpu", "optimizer=adam", "beta=constant",
    ]  # fmt: skip
    config = validate(container(Composer().cells(overrides)[0]))
    split = Split(data.view(-1, 1, 28, 28))
    task = assemble.make_task(config, build(config), Splits(split, split, split))
    task.configure_optimizers()
    return task.update


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--batch", type=int, default=20)
    given = parser.parse_args()
    use(given.threads)
    data = images(given.batch * (given.rounds + 3))
    steps = {
        "loop": bare_step(data, given.batch, True),
        "bare": bare_step(data, given.batch, False),
    }
    steps |= {bound: our_step(data, given.batch, bound) for bound in BOUNDS}
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(given.rounds + 3):
        for name, step in steps.items():
            started = time.perf_counter()
            step(number)
            seconds[name].append(time.perf_counter() - started)
    print(f"torch {torch.__version__}, {given.threads} threads, batch {given.batch}, T = {T}")
    for name, own in seconds.items():
        over = {
            other: statistics.median(
                a / b for a, b in zip(own[3:], seconds[other][3:], strict=True)
            )
            for other in ("iwae", "bare", "loop")
        }
        words = ", ".join(f"{ratio:.3f} of {other}" for other, ratio in over.items())
        print(f"{name:6} {1000 * statistics.median(own[3:]):7.1f} ms a step: {words}")


if __name__ == "__main__":
    main()
