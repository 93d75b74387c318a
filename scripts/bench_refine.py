"""Time and peak memory of one update through K refinement steps, relative to the plain VAE's.

Each case runs in a process of its own, whose peak of resident memory above that before the first
update is what it needed; cases are timed one after the other, medians of updates after the first.
`unrolled` keeps the graph of every step, for comparison.

    python scripts/bench_refine.py --steps 1 5 10 20 --threads 1
    python scripts/bench_refine.py --model image --kinds exact unrolled
"""

import argparse
import multiprocessing
import resource
import statistics
import time
from typing import Any

import torch
from torch import Tensor

from vaelab import assemble
from vaelab.build import build
from vaelab.composing.compose import Composer
from vaelab.composing.validate import validate
from vaelab.dataset.base import Binarised, Split, Splits
from vaelab.dataset.tokens import padded
from vaelab.dataset.vocabulary import BOS, EOS, Vocabulary
from vaelab.posterior import GaussianPosterior
from vaelab.refine.inner import Inner
from vaelab.refine.modes import inner_passes
from vaelab.refine.modes import statistics as kept_statistics
from vaelab.refine.refinement import RefinedPosterior, Track
from vaelab.refine.settings import Settings
from vaelab.sweeps.plan import container
from vaelab.task import Task
from vaelab.threads import use
from vaelab.trainer import refining

KINDS = ("exact", "fd", "official", "first_order", "unrolled")
UPDATES = 6
WORDS, LENGTH = 6800, 31
MODELS = {
    "text": [
        "dataset=synthetic_text", f"dataset.vocabulary={WORDS}", f"dataset.length={LENGTH - 2}",
        "architecture=lstm_small", "batch_size=32",
    ],
    "image": [
        "dataset=omniglot", "dataset.protocol=savae", "dataset.shrink=2",
        "architecture=resnet_pixelcnn", "architecture.channels=16", "batch_size=50",
    ],
}  # fmt: skip


def data(model: str) -> Splits:
    """Random sentences of one length, or random images of 14x14."""
    draw = torch.Generator().manual_seed(0)
    if model == "image":
        split = Split(torch.rand(200, 1, 14, 14, generator=draw), Binarised())
        return Splits(split, split, split)
    words = torch.randint(4, WORDS + 4, (128, LENGTH), generator=draw, dtype=torch.int32)
    words[:, 0], words[:, -1] = BOS, EOS
    vocabulary = Vocabulary([str(word) for word in range(WORDS)])
    split = padded(words.flatten(), torch.full((128,), LENGTH), vocabulary, LENGTH)
    return Splits(split, split, split)


def unrolled(
    settings: Settings,
    vae: Any,
    x: Tensor,
    start: GaussianPosterior,
    prior: Any,
    beta: float,
    amortised: bool,
) -> RefinedPosterior:
    """Every step's graph is kept until the backward pass."""
    inner = Inner(vae, x, prior, beta, len(x), 1)
    now = torch.stack([start.first.mean, start.first.log_var])
    velocity = torch.zeros_like(now)
    kept = kept_statistics(vae.decoder)
    with inner_passes(vae.decoder, x.device, kept, twice=True):
        for step in range(settings.steps):
            losses = inner.losses(step, now)
            (gradient,) = torch.autograd.grad(losses.mean(), now, create_graph=True)
            velocity = settings.momentum * velocity - settings.clipped(gradient)
            now = now + settings.step_size * velocity
    return RefinedPosterior(now[0], now[1], start, settings, Track(), amortised)


def make(model: str, kind: str, steps: int) -> Task:
    """The task of one case, with random data."""
    words = list(MODELS[model])
    if kind != "plain":
        grad = "exact" if kind == "unrolled" else kind
        words += ["trainer=savae", f"trainer.steps={steps}", "trainer.step_size=1"]
        words += ["trainer.inner_reduction=batch_mean", "trainer.clip=5"]
        words += [f"trainer.inner_grad={grad}"]
    config = validate(container(Composer().cells([*words, "lightning=cpu"])[0]))
    splits = data(model)
    parts = build(config)
    assemble.prepare(config, parts, splits)
    task = assemble.make_task(config, parts, splits)
    task.configure_optimizers()
    return task


def case(model: str, kind: str, steps: int, threads: int, queue: Any) -> None:
    """Seconds of a median update, and mebibytes at the peak beyond those before."""
    use(threads)
    if kind == "unrolled":
        refining.refined = unrolled
    task = make(model, kind, steps)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for number in range(UPDATES):
        started = time.perf_counter()
        task.update(number % task.steps_per_epoch)
        seconds.append(time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    queue.put((statistics.median(seconds[1:]), (peak - before) / 1024))


def measured(*arguments: Any) -> tuple[float, float]:
    """One case in a fresh process."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=case, args=(*arguments, queue))
    process.start()
    found = queue.get()
    process.join()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", choices=MODELS, default="text")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--steps", nargs="+", type=int, default=[1, 5, 10, 20])
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    plain, memory = measured(given.model, "plain", 0, given.threads)
    print(f"{given.model}: plain VAE {1000 * plain:.0f} ms an update, {memory:.0f} MiB")
    for kind in given.kinds:
        for steps in given.steps:
            seconds, peak = measured(given.model, kind, steps, given.threads)
            print(
                f"{kind:12} K={steps:<3} time {seconds / plain:6.1f} of plain   "
                f"memory {peak:6.0f} MiB, {peak / memory:5.1f} of plain",
                flush=True,
            )


if __name__ == "__main__":
    main()
