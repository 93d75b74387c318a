"""Tokens per second of vaelab's training path on sentences against a bare loop, epoch by epoch.

Both train the LSTM VAE of the same size on the same batches of equal length with the same
optimiser, clipping and threads, in one process and in turn; validation and checkpoints are not
timed. With `--inner` instead: updates of the aggressive phase with the decoder's gradients taken
(clip_scope=all, for the joint norm) and without (stepped), in turn.

    python scripts/bench_text.py --size toy small --threads 1
    python scripts/bench_text.py --size small --inner --threads 1
"""

import argparse
import dataclasses
import statistics
import tempfile
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from alternate import Alternate
from rich.console import Console
from torch import Tensor, nn

from vaelab import assemble, fit
from vaelab.build import Parts, build
from vaelab.composing.compose import Composer
from vaelab.composing.validate import validate
from vaelab.dataset.base import Splits
from vaelab.dataset.tokens import padded
from vaelab.dataset.vocabulary import BOS, EOS, Vocabulary
from vaelab.runs.run import Run
from vaelab.sweeps.plan import container
from vaelab.task import Task
from vaelab.threads import use


@dataclasses.dataclass(frozen=True)
class Size:
    """Widths of the model, and of the sentences."""

    words: int
    length: int
    embedding: int
    hidden: int
    latents: int
    batch: int


SIZES = {
    "toy": Size(1000, 10, 50, 50, 1, 16),
    "small": Size(6800, 31, 64, 128, 32, 32),
    "paper": Size(20_000, 79, 512, 1024, 32, 32),
}


class BareLstm(nn.Module):
    """The model, for nothing but this loop."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        v, e, h, d = size.words + 4, size.embedding, size.hidden, size.latents
        self.read, self.write = nn.Embedding(v, e), nn.Embedding(v, e)
        self.encoder, self.head = nn.LSTM(e, h, batch_first=True), nn.Linear(h, 2 * d, False)
        self.cell, self.decoder = nn.Linear(d, h, False), nn.LSTM(e + d, h, batch_first=True)
        self.out = nn.Linear(h, v, False)

    def loss(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        _, (h, _) = self.encoder(self.read(x))
        mean, log_var = self.head(h[0]).chunk(2, -1)
        z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
        words = F.dropout(self.write(x[:, :-1]), 0.5)
        inputs = torch.cat([words, z[:, None].expand(-1, words.shape[1], -1)], -1)
        cell = self.cell(z)[None]
        out, _ = self.decoder(inputs, (torch.tanh(cell), cell))
        logits = self.out(F.dropout(out, 0.5))
        rec = F.cross_entropy(logits.flatten(0, 1), x[:, 1:].flatten(), reduction="none")
        rec = rec.view(len(x), -1).sum(1)
        kl = 0.5 * (mean**2 + log_var.exp() - log_var - 1).sum(1)
        return (rec + kl).mean(), rec, kl


class BareSentences:
    """The bare loop: called, it makes one epoch."""

    def __init__(self, x: Tensor, size: Size) -> None:
        self.batches = list(x.long().split(size.batch))
        self.model = BareLstm(size)
        self.optimiser = torch.optim.SGD(self.model.parameters(), lr=1.0)

    def __call__(self) -> None:
        total = torch.zeros(2)
        for number in torch.randperm(len(self.batches)).tolist():
            loss, rec, kl = self.model.loss(self.batches[number])
            self.optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
            self.optimiser.step()
            total += torch.stack([rec.detach().sum(), kl.detach().sum()])


def prepared(size: Size, batches: int, epochs: int, *more: str) -> tuple[dict, Parts, Task]:
    """A run on random sentences of one length."""
    config = validate(
        container(
            Composer().cells(
                [
                    "dataset=synthetic_text", f"dataset.vocabulary={size.words}",
                    "architecture=lstm", f"architecture.latent_dim={size.latents}",
                    f"architecture.embedding={size.embedding}",
                    f"architecture.hidden=[{size.hidden},{size.hidden}]", "bound.kl=analytic",
                    "optimizer=sgd", "optimizer.phi.lr=1.0", "optimizer.theta.lr=1.0",
                    "clip_norm=5", "beta=constant", "patience=null", "lightning=cpu",
                    f"batch_size={size.batch}", f"epochs={epochs}", *more,
                ]
            )[0]
        )
    )  # fmt: skip
    vocabulary = Vocabulary([f"w{number}" for number in range(size.words)])
    count = batches * size.batch
    words = torch.randint(4, size.words + 4, (count, size.length + 2))
    words[:, 0], words[:, -1] = BOS, EOS
    lengths = torch.full((count,), size.length + 2)
    split = padded(words.flatten(), lengths, vocabulary, 0)
    parts = build(config)
    held_out = split.take(torch.arange(size.batch))
    return config, parts, assemble.make_task(config, parts, Splits(split, held_out, split))


def against_bare(name: str, size: Size, batches: int, epochs: int) -> None:
    config, parts, task = prepared(size, batches, epochs + 1)
    bare = BareSentences(task.splits.train.x, size)
    callback = Alternate(bare, torch.device("cpu"))
    with tempfile.TemporaryDirectory() as folder:
        fit.train(config, parts, task, Run(Path(folder)), Console(quiet=True), [callback])
    ours, others = callback.ours[1:], callback.bare[1:]  # the first epoch of each warms up
    tokens = batches * size.batch * (size.length + 1)
    rates = [tokens / statistics.median(times) for times in (ours, others)]
    pairs = [one / other for one, other in zip(ours, others, strict=True)]
    print(
        f"{name}: vaelab {rates[0]:,.0f} tokens/s, bare loop {rates[1]:,.0f}, epochs' ratios "
        f"{min(pairs):.2f} to {max(pairs):.2f}, median of {len(ours)}: "
        f"ratio={statistics.median(ours) / statistics.median(others):.3f}",
        flush=True,
    )


def inner_steps(name: str, size: Size, batches: int, updates: int) -> None:
    words = ("trainer=aggressive_text", "trainer.max_inner_steps=15")
    _, _, task = prepared(size, batches, 1, *words)
    task.configure_optimizers()
    seconds: dict[str, list[float]] = {"all": [], "stepped": []}
    for number in range(updates + 1):
        for scope, times in seconds.items():
            task.recipe = dataclasses.replace(task.recipe, clip_scope=scope)
            started = time.perf_counter()
            task.update(number % task.steps_per_epoch)
            times.append(time.perf_counter() - started)
    every, stepped = (statistics.median(times[1:]) for times in seconds.values())
    print(
        f"{name}: an aggressive update of 15 encoder steps without the decoder's gradients takes "
        f"ratio={stepped / every:.3f} of one with them (medians of {updates})",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--size", nargs="+", default=["toy", "small"], choices=list(SIZES))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--epochs", type=int, default=7, help="timed epochs, or updates with inner")
    parser.add_argument("--batches", type=int, default=40, help="of an epoch")
    parser.add_argument("--inner", action="store_true", help="time the aggressive phase instead")
    given = parser.parse_args()
    use(given.threads)  # for both
    print(f"torch {torch.__version__}, {given.threads} threads, {given.batches} batches an epoch")
    measure = inner_steps if given.inner else against_bare
    for name in given.size:
        measure(name, SIZES[name], given.batches, given.epochs)


if __name__ == "__main__":
    main()
