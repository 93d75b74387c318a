"""An epoch of trainer=mapa against one of the VAE on the same decoder, and what comes before it.

Epochs are of updates alone, no validation, in one process and in turn: MAPA, joint, and a bare loop
of MAPA's weighted regression on the same decoder, targets and batches. Passes are those that the
runs count. The precomputation is of N binary images of 784 pixels.

    python scripts/bench_mapa.py --threads 2
    python scripts/bench_mapa.py --precompute 60000 --threads 2
"""

import argparse
import copy
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from vaelab import assemble
from vaelab.build import build
from vaelab.composing.compose import Composer
from vaelab.composing.validate import validate
from vaelab.dataset.base import Split, Splits
from vaelab.mapa.tables import Tables
from vaelab.sweeps.plan import container
from vaelab.task import Task
from vaelab.threads import use

DIGITS = ["dataset=digits", "dataset.binarise=fixed", "architecture=mlp", "beta=constant"]
SETS = {
    "circle": ["experiment=mapa/circle"],
    "digits": [*DIGITS, "architecture.latent_dim=2", "batch_size=100"],
}


def task_of(words: list[str], splits: Splits | None = None) -> Task:
    config = validate(container(Composer().cells([*words, "lightning=cpu"])[0]))
    parts = build(config)
    data = splits or parts.dataset.load()
    torch.manual_seed(1)
    assemble.prepare(config, parts, data)
    task = assemble.make_task(config, parts, data)
    task.configure_optimizers()
    return task


def bare_loop(task: Task) -> Callable[[], None]:
    """Weighted regression on MAPA's targets, with nothing else in it."""
    tables = task.inference.tables
    decoder, targets, layout = copy.deepcopy(task.vae.decoder), tables.targets, tables.layout
    optimizer = torch.optim.Adam(decoder.parameters(), lr=1e-3, fused=True)
    size, batch = len(targets.weight), task.recipe.batch_size

    def epoch() -> None:
        for index in torch.randperm(size).split(batch):
            z = layout.sample(index[None])
            log_px = decoder((z,)).log_prob(targets.mean[index])
            loss = -(log_px * targets.weight[index]).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return epoch


def epochs_of(task: Task) -> Callable[[], None]:
    def epoch() -> None:
        for step in range(task.steps_per_epoch):
            task.update(step)
        task.progress.epoch += 1
        task.sums.zero_()

    return epoch


def compare(name: str, count: int) -> None:
    mapa, joint = (task_of([*SETS[name], f"trainer={one}"]) for one in ("mapa", "joint"))
    each = {"mapa": epochs_of(mapa), "joint": epochs_of(joint), "bare": bare_loop(mapa)}
    times: dict[str, list[float]] = {one: [] for one in each}
    for _ in range(count + 1):
        for one, epoch in each.items():
            started = time.perf_counter()
            epoch()
            times[one].append(time.perf_counter() - started)
    medians = {one: statistics.median(found[1:]) for one, found in times.items()}
    passes = [
        (task.progress.decoder_passes // (count + 1), task.progress.encoder_passes // (count + 1))
        for task in (mapa, joint)
    ]
    print(
        f"{name}: an epoch of MAPA takes {medians['mapa'] / medians['joint']:.3f} of the VAE's "
        f"time and {medians['mapa'] / medians['bare']:.3f} of a bare loop's "
        f"(medians of {count}; {1000 * medians['mapa']:.1f} ms); decoder and encoder passes "
        f"{passes[0]} against {passes[1]}; before it {mapa.inference.state['seconds']:.2f} s",
        flush=True,
    )


def images(count: int) -> Tensor:
    """Binary images that are near each other in groups, as those of digits are."""
    generator = torch.Generator().manual_seed(0)
    p = torch.rand(100, 784, generator=generator).pow(3)
    p = p[torch.randint(100, (count,), generator=generator)]
    return (torch.rand(count, 784, generator=generator) < p).to(torch.uint8)


def precompute(count: int, distance: str) -> None:
    words = ["dataset=static_mnist", "architecture=mlp", "architecture.latent_dim=2"]
    config = validate(
        container(Composer().cells([*words, "trainer=mapa", f"trainer.distance={distance}"])[0])
    )
    trainer = build(config).trainer
    split = Split(images(count).view(-1, 1, 28, 28))
    started = time.perf_counter()
    tables = Tables(trainer.recipe, trainer.distance, trainer.components, split)
    features = time.perf_counter() - started
    tables.fit()
    fitted = time.perf_counter() - started
    _ = tables.targets
    print(
        f"N = {count:,}, D = 784, distance={distance}: {time.perf_counter() - started:.1f} s "
        f"(features {features:.1f}, index posteriors and layout {fitted - features:.1f}); "
        f"{tables.facts['neighbours']:.0f} neighbours, "
        f"perplexity {tables.facts['perplexity_50']:.1f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--set", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--precompute", type=int, default=0, help="images; 0: compare epochs")
    parser.add_argument("--distance", nargs="+", default=["pca", "raw"], choices=["pca", "raw"])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    use(given.threads)
    print(f"torch {torch.__version__}, {given.threads} threads")
    if given.precompute:
        for distance in given.distance:
            precompute(given.precompute, distance)
    else:
        for name in given.set:
            compare(name, given.epochs)


if __name__ == "__main__":
    main()
