"""What a run would cost on this machine: a few timed steps on made-up data of the right shape."""

import json
import math
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch

from vaelab.assemble import make_task
from vaelab.batch import Batch
from vaelab.bound.base import Bound
from vaelab.build import Parts, build, construct, device
from vaelab.composing.identity import canonical
from vaelab.dataset.base import Split, Splits
from vaelab.dataset.tokens import token_split
from vaelab.dataset.vocabulary import BOS, EOS, UNK
from vaelab.evaluation.evaluate import Evaluation
from vaelab.evaluation.score import score
from vaelab.reproduce.extent import Extent, extent
from vaelab.runs.run import FINAL, Run
from vaelab.threads import choose, use

UPDATES = 3  # timed, after one that is not
AUTOREGRESSIVE_ROWS = 20  # of one timed pass: such a decoder takes seconds for a full one
SENTENCE_ROWS = 100  # the same of sentences, which one pass reads at once
ROWS = 2000  # of one timed pass, where the evaluation does not say
NETWORK = ("architecture", "prior", "likelihood", "bound", "trainer", "optimizer")
NETWORK += ("batch_size", "precision", "micro_batches")


@dataclass(frozen=True)
class Speed:
    """Seconds for one update, for one batch of validation, and for one sample of one example.

    Attributes:
        passes: of the decoder in one update.
    """

    update: float
    validation: float
    sample: float
    passes: float


@dataclass(frozen=True)
class Cost:
    """At most: early stopping may end a run sooner.

    Attributes:
        stages: epochs that are left and seconds of one, for each bound that is in force in turn.
        evaluation: seconds.
    """

    stages: tuple[tuple[int, float], ...]
    evaluation: float

    @property
    def seconds(self) -> float:
        """All together."""
        return sum(epochs * epoch for epochs, epoch in self.stages) + self.evaluation


class Estimator:
    """Times every different network once, under each bound that is in force."""

    def __init__(self) -> None:
        self.speeds: dict[str, Speed] = {}
        self.extents: dict[str, Extent] = {}

    def __call__(self, config: Mapping[str, Any], run: Run) -> Cost:
        """What is left of a run.

        Args:
            config: validated.
            run: its folder; epochs it has behind it cost nothing.
        """
        parts, total = build(config), config["epochs"]
        data = self.extent(config, parts)
        done = total if run.status in FINAL else epochs_done(run)
        budget = sys.maxsize if config["decoder_passes"] is None else config["decoder_passes"]
        stages = []
        for number, stage in enumerate(in_turn(parts.bound, total)):
            if done < stage.stop or stage.stop == total:  # the last is timed for its samples
                speed = self.speed(config, parts, number, stage.start, data)
                epoch = data.updates * speed.update + data.validations * speed.validation
                passes = max(1.0, data.updates * speed.passes)
                length = min(len(stage), math.ceil(max(0.0, budget / passes)))
                begun = max(0, min(done, stage.stop) - stage.start)
                stages.append((max(0, length - begun), epoch))
                budget -= length * passes
        evaluation: Evaluation = construct(config["evaluation"], {})
        decoder = parts.architecture.decoder
        bound = parts.bound.at((config["evaluation"].get("epoch") or total) - 1)
        rows = evaluation.rows(decoder.autoregressive, data.test, bound.num_samples)
        if decoder.exact:  # one sample is enough
            name = "autoregressive_samples" if decoder.autoregressive else "samples"
            rows //= config["evaluation"].get(name, 1)
        return Cost(tuple(stages), rows * speed.sample)

    def speed(
        self, config: Mapping[str, Any], parts: Parts, number: int, epoch: int, data: Extent
    ) -> Speed:
        """Of the network under the bound that is the `number`-th in turn, first in `epoch`."""
        signature = [canonical(config[name]) for name in NETWORK]
        words = None if data.length is None else len(parts.dataset.vocabulary)
        of_data = [tuple(parts.dataset.shape), words, data.length, data.batch, data.valid_batch]
        key = json.dumps([signature, of_data, number], sort_keys=True)
        if key not in self.speeds:
            self.speeds[key] = measure(config, parts, epoch, data)
        return self.speeds[key]

    def extent(self, config: Mapping[str, Any], parts: Parts) -> Extent:
        """Of the data, which may have to be read: once for all runs on them."""
        names = ("dataset", "max_examples", "batch_size")
        key = json.dumps([canonical(config[name]) for name in names], sort_keys=True)
        if key not in self.extents:
            self.extents[key] = extent(config, parts)
        return self.extents[key]


def in_turn(bound: Bound, epochs: int) -> list[range]:
    """The epochs of each bound that is in force, counted from 0."""
    later = range(1, epochs) if bound.changes else ()
    starts = [0, *(epoch for epoch in later if bound.at(epoch) is not bound.at(epoch - 1))]
    return [range(*ends) for ends in pairwise([*starts, epochs])]


def measure(config: Mapping[str, Any], parts: Parts, epoch: int, data: Extent) -> Speed:
    """Time the network of a config on random data of its shape, as in an epoch (from 0)."""
    use(choose(config["threads"]))
    place = device(config)
    train = made_up(parts, max(2 * data.batch, parts.prior.encoder_rows), data.length)
    valid = train.take(torch.arange(min(data.valid_batch, data.batch)))  # one batch
    splits = Splits(train, valid, valid)
    parts.prior.prepare(splits.train)
    parts.trainer.prepare(splits.train, fresh=True)
    task = make_task({**config, "batch_size": data.batch}, parts, splits.to(place)).to(place)
    task.configure_optimizers()
    task.progress.epoch = epoch
    task.train()
    task.update(0)
    before = task.progress.decoder_passes
    update = seconds(place, lambda: [task.update(0) for _ in range(UPDATES)]) / UPDATES
    passes = (task.progress.decoder_passes - before) / UPDATES
    task.eval()
    with torch.no_grad():
        task.validation_step()  # what every epoch asks for anew may be kept after the first
        validation = seconds(place, task.validation_step)
        first = torch.zeros(1, dtype=torch.int64, device=place)
        example = task.splits.train[first]
        q = task.inference.posterior(task, Batch(example, first))
        prior = task.vae.prior(task.vae.encoder).double()
        drawn = config["evaluation"].get("chunk", ROWS)
        if parts.architecture.decoder.autoregressive:
            drawn = AUTOREGRESSIVE_ROWS if data.length is None else SENTENCE_ROWS
        scored = seconds(place, lambda: score(task.vae, example, q, drawn, drawn, prior))
    return Speed(update, validation, scored / drawn, passes)


def made_up(parts: Parts, rows: int, length: int | None) -> Split:
    """Random data of the right shape; sentences of the data's words, all of one length."""
    if length is None:
        return Split(torch.rand(rows, *parts.dataset.shape).round())
    vocabulary = parts.dataset.vocabulary
    words = torch.randint(UNK, len(vocabulary), (rows, length - 2))
    sentences = [[BOS, *row, EOS] for row in words.tolist()]
    return token_split(sentences, vocabulary, parts.dataset.shape[0])


def seconds(place: torch.device, work: Callable[[], Any]) -> float:
    """Wall time, waiting for the device."""

    def wait() -> None:
        if place.type == "cuda":
            torch.cuda.synchronize(place)

    wait()
    started = time.perf_counter()
    work()
    wait()
    return time.perf_counter() - started


def epochs_done(run: Run) -> int:
    """Rows of metrics.csv below its header."""
    try:
        with (run.folder / "metrics.csv").open(encoding="utf-8") as file:
            return max(0, sum(1 for _ in file) - 1)
    except FileNotFoundError:
        return 0
