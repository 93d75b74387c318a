"""What a run would cost on this machine: a few timed steps on made-up data of the right shape."""

import importlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import torch

from vaelab.batch import Batch
from vaelab.bound.base import Bound
from vaelab.build import Parts, build, construct, device
from vaelab.dataset.base import Split, Splits
from vaelab.dataset.limit import limited
from vaelab.evaluation.evaluate import Evaluation
from vaelab.evaluation.score import score
from vaelab.fit import make_task
from vaelab.identity import canonical
from vaelab.run import FINAL, Run
from vaelab.threads import choose, use

UPDATES = 3  # timed, after one that is not
AUTOREGRESSIVE_ROWS = 20  # of one timed pass: such a decoder takes seconds for a full one
ROWS = 2000  # of one timed pass, where the evaluation does not say
NETWORK = ("architecture", "prior", "likelihood", "bound", "trainer", "optimizer")
NETWORK += ("batch_size", "precision", "micro_batches")


@dataclass(frozen=True)
class Speed:
    """Seconds for one update, for one batch of validation, and for one sample of one example."""

    update: float
    validation: float
    sample: float


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

    def __call__(self, config: Mapping[str, Any], run: Run) -> Cost:
        """What is left of a run.

        Args:
            config: validated.
            run: its folder; epochs it has behind it cost nothing.
        """
        parts, total, batch = build(config), config["epochs"], config["batch_size"]
        train, valid, test = sizes(config, parts)
        done = total if run.status in FINAL else epochs_done(run)
        stages = []
        for number, stage in enumerate(in_turn(parts.bound, total)):
            left = len(range(max(done, stage.start), stage.stop))
            if left or stage.stop == total:  # the last is timed for its samples
                speed = self.speed(config, parts, number, stage.start)
                epoch = -(-train // batch) * speed.update + -(-valid // batch) * speed.validation
                stages.append((left, epoch))
        evaluation: Evaluation = construct(config["evaluation"], {})
        slow = parts.architecture.decoder.autoregressive
        bound = parts.bound.at((config["evaluation"].get("epoch") or total) - 1)
        rows = evaluation.rows(slow, test, bound.num_samples)
        return Cost(tuple(stages), rows * speed.sample)

    def speed(self, config: Mapping[str, Any], parts: Parts, number: int, epoch: int) -> Speed:
        """Of the network under the bound that is the `number`-th in turn, first in `epoch`."""
        signature = [canonical(config[name]) for name in NETWORK]
        key = json.dumps([signature, tuple(parts.dataset.shape), number], sort_keys=True)
        if key not in self.speeds:
            self.speeds[key] = measure(config, parts, epoch)
        return self.speeds[key]


def in_turn(bound: Bound, epochs: int) -> list[range]:
    """The epochs of each bound that is in force, counted from 0."""
    later = range(1, epochs) if bound.changes else ()
    starts = [0, *(epoch for epoch in later if bound.at(epoch) is not bound.at(epoch - 1))]
    return [range(*ends) for ends in pairwise([*starts, epochs])]


def measure(config: Mapping[str, Any], parts: Parts, epoch: int) -> Speed:
    """Time the network of a config on random data of its shape, as in an epoch (from 0)."""
    use(choose(config["threads"]))
    place, batch = device(config), config["batch_size"]
    rows = max(2 * batch, parts.prior.encoder_rows)
    x = torch.rand(rows, *parts.dataset.shape).round()
    splits = Splits(Split(x), Split(x[:batch]), Split(x[:batch]))
    parts.prior.prepare(splits.train)
    task = make_task(config, parts, splits.to(place)).to(place)
    task.configure_optimizers()
    task.progress.epoch = epoch
    task.train()
    task.update(0)
    update = seconds(place, lambda: [task.update(0) for _ in range(UPDATES)]) / UPDATES
    task.eval()
    with torch.no_grad():
        validation = seconds(place, task.validation_step)
        example = splits.train.x[:1].to(place)
        first = torch.zeros(1, dtype=torch.int64, device=place)
        q = task.inference.posterior(task, Batch(example, first))
        prior = task.vae.prior(task.vae.encoder).double()
        slow = parts.architecture.decoder.autoregressive
        drawn = AUTOREGRESSIVE_ROWS if slow else config["evaluation"].get("chunk", ROWS)
        scored = seconds(place, lambda: score(task.vae, example, q, drawn, drawn, prior))
    return Speed(update, validation, scored / drawn)


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


def sizes(config: Mapping[str, Any], parts: Parts) -> tuple[int, int, int]:
    """Training, validation and test examples: as published, else by reading the data."""
    module = f"vaelab.dataset.facts.{config['choices'].get('dataset', '')}"
    known: dict[str, tuple[int, int, int]] = {}
    if find_spec(module) is not None:
        known = importlib.import_module(module).FACTS.sizes
    protocol = config["dataset"].get("protocol", "")
    if protocol in known:
        train, valid, test = known[protocol]
        limit = config["max_examples"] or train
        return min(train, limit), min(valid, limit), test
    splits = limited(parts.dataset.load(), config["max_examples"])
    return len(splits.train), len(splits.valid), len(splits.test)


def epochs_done(run: Run) -> int:
    """Rows of metrics.csv below its header."""
    try:
        with (run.folder / "metrics.csv").open(encoding="utf-8") as file:
            return max(0, sum(1 for _ in file) - 1)
    except FileNotFoundError:
        return 0
