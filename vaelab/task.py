"""The LightningModule: it holds the parts, moves parameters when a strategy says so, and logs.

Optimisation is manual for every strategy, so that the path most used is the one most tested. Noise
is seeded by update (vaelab.seeding) and the epoch's order by epoch: where training is, is all
that a checkpoint needs to know about randomness.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from vaelab import distributed
from vaelab.batch import Batch
from vaelab.bound.base import Bound, Objective
from vaelab.dataset.base import Splits
from vaelab.descent import Descent, describe, merge
from vaelab.feed import Feed
from vaelab.learning_rate.base import LearningRate
from vaelab.model import VAE
from vaelab.progress import Clock, Progress
from vaelab.rates import Rates
from vaelab.schedule.base import Schedule
from vaelab.seeding import seed_noise
from vaelab.trainer.base import InferenceStrategy
from vaelab.validation import Validation

OptimizerFactory = Callable[[Iterable[Tensor]], Optimizer]


@dataclass(frozen=True)
class Recipe:
    """How to step: the run's settings that are neither model nor data."""

    seed: int
    batch_size: int
    clip_norm: float | None = None
    clip_scope: str = "all"
    micro_batches: int = 1
    bf16: bool = False
    decoder_passes: int | None = None


class Task(pl.LightningModule):
    """Trains a VAE under a bound and an inference strategy.

    Attributes:
        row: metrics of the epoch that just ended, by name; callbacks read it.
        note: a sentence about that epoch, such as the end of the aggressive phase; or None.
        after_update: called after every update with the task, by whoever wants to know.
    """

    automatic_optimization = False  # pyright: ignore[reportAssignmentType]
    sums: Tensor

    def __init__(
        self,
        vae: VAE,
        bound: Bound,
        inference: InferenceStrategy,
        beta: Schedule,
        factories: dict[str, OptimizerFactory],
        recipe: Recipe,
        splits: Splits,
        learning_rate: LearningRate,
    ) -> None:
        super().__init__()
        self.vae = vae
        self.bound = bound
        self.inference = inference
        self.schedule = beta
        self.factories = factories
        self.recipe = recipe
        self.splits = splits
        self.rates = Rates(learning_rate, {})
        self.progress = Progress()
        self.row: dict[str, float] = {}
        self.note: str | None = None
        self.clock = Clock()
        self.steppers: dict[str, Optimizer] = {}
        self.after_update: list[Callable[[Task], None]] = []
        self.groups = vae.parameter_groups()
        self.groups["theta"] += list(inference.parameters())
        # Weights come from the seed, so that a resumed run has the same ones here.
        kept = vae.state_dict() if inference.head_start else {}
        self.initial = {name: value.to("cpu", copy=True) for name, value in kept.items()}
        self.everything = self.groups["phi"] + self.groups["theta"]
        self.feed = Feed(splits, recipe.batch_size, recipe.seed, splits.train.x.device)
        self.steps_per_epoch = self.feed.training.steps
        self.beta = self.beta_at(0, 0)
        self.inner_draws = 0
        # Sums over the epoch's examples: bound, reconstruction, KL, the encoder's bound if it is
        # another. On the device, so that no update waits for it; not in the state dict, which is
        # for the model.
        self.register_buffer("sums", torch.zeros(3 + bound.two_values), persistent=False)
        # DistributedDataParallel would overwrite each process's with the first one's, batch norm's
        # statistics too, which validation averages.
        self._ddp_params_and_buffers_to_ignore = [name for name, _ in self.named_buffers()]

    # -- what Lightning calls -------------------------------------------------------------------

    def configure_optimizers(self) -> list[Optimizer]:
        """One optimiser a group; a group without parameters has none."""
        self.steppers = {
            name: self.factories[name](parameters)
            for name, parameters in self.groups.items()
            if parameters
        }
        self.rates = Rates(self.rates.schedule, self.steppers)
        return list(self.steppers.values())

    def on_fit_start(self) -> None:
        """Put the data where the model is."""
        self.splits = self.splits.to(self.device)
        self.feed = Feed(self.splits, self.recipe.batch_size, self.recipe.seed, self.device)
        self.feed.check()

    def transfer_batch_to_device(
        self, batch: Any, device: torch.device, dataloader_idx: int
    ) -> Any:
        """Lightning's batches are blocks of updates, not data: nothing to move."""
        return batch

    def training_step(self, block: range, _: int) -> None:
        """A block of consecutive updates.

        Lightning's own work for a batch costs a third of a millisecond, a twentieth of a small
        network's step, so it is done once a block.
        """
        # At every block, so that a resumed run has them, also where no update is left.
        self.rates.set(self.inference.rate_epoch(self.progress.epoch), self.spent_share)
        self.beta = self.beta_at(self.progress.epoch, max(0, self.progress.step - 1))
        for step in block:
            started = time.perf_counter()
            self.update(step)
            self.progress.seconds += time.perf_counter() - started
            for listener in self.after_update:
                listener(self)

    def validation_step(self, *_: Any) -> None:
        """The whole validation split; once an epoch."""
        seed_noise(self.device, self.recipe.seed, "validation", self.progress.epoch)
        # Batch norm's statistics are each process's own: one model is validated and kept.
        distributed.average_buffers(self.vae)
        with self.autocast():
            bound = self.bound.at(self.progress.epoch)
            validation = Validation(self.vae, bound, self.inference.monitors)
        for batch in self.feed.held_out():
            with self.autocast():
                validation.add(batch, self.inference.posterior(self, batch))
        metrics = validation.metrics()
        self.row = self.train_row() | metrics | self.inference.row(self.progress.epoch)
        self.progress.spent = distributed.total(self.progress.decoder_passes)
        seen = {name.removeprefix("val/"): value for name, value in metrics.items()}
        notes = [self.inference.observe(seen)]
        if (epoch := self.progress.epoch - self.inference.head_start) >= 0:
            notes.append(self.rates.schedule.observe(epoch, seen))
        self.note = "; ".join(note for note in notes if note) or None

    def on_validation_end(self) -> None:
        """Go to the beginning of the next epoch, once callbacks have seen this one."""
        self.progress.epoch += 1
        self.progress.step = 0
        self.progress.examples = 0
        self.sums.zero_()

    # -- one update -----------------------------------------------------------------------------

    def update(self, step: int) -> None:
        """Everything for one training batch; `step` counts from 0 within the epoch."""
        progress, recipe = self.progress, self.recipe
        progress.step = step
        self.inner_draws = 0
        seed_noise(self.device, recipe.seed, "update", progress.updates, distributed.rank())
        self.beta = self.beta_at(progress.epoch, step)
        batch = self.batch_at(step)
        descent = self.inference.update(self, batch)
        if batch.weight:  # else its rows are counted by another process
            self.sums += descent.columns.sum(1)
            progress.examples += len(descent.value)
        progress.updates += 1
        progress.step = step + 1

    def beta_at(self, epoch: int, step: int) -> float:
        """The KL weight of an update; 0 in the epochs in which the strategy only prepares."""
        if (after := epoch - self.inference.head_start) < 0:
            return 0.0
        return self.schedule.beta(after, step, self.steps_per_epoch)

    @property
    def spent_share(self) -> float | None:
        """What the epochs that are over took of the budget of decoder passes; None: there is none.

        The same throughout an epoch and in every process, whatever is resumed.
        """
        budget = self.recipe.decoder_passes
        return None if budget is None else self.progress.spent / budget

    def batch_at(self, step: int) -> Batch:
        """This process's part of batch `step` of the present epoch."""
        return self.feed.at(self.progress.epoch, step)

    def random_batch(self) -> Batch:
        """This process's part of a random training batch (inner loops)."""
        self.inner_draws += 1
        draw = (self.recipe.seed, "inner", self.progress.updates, self.inner_draws)
        return self.feed.random(*draw)

    def ratio_over_ranks(self, total: Tensor, count: int) -> float:
        """Sum of totals by sum of counts over processes, as a number (waits for the device)."""
        both = torch.stack([total.detach().double(), total.new_tensor(count).double()])
        total, every = distributed.sum_over_ranks(both)
        return float(total / every)

    def descend(self, batch: Batch, *groups: str) -> Descent:
        """One optimiser step on the named groups; the only thing that moves a parameter."""
        started = time.perf_counter()
        for parameter in self.everything:
            parameter.grad = None
        joint_clip = self.recipe.clip_norm is not None and self.recipe.clip_scope == "all"
        wanted = ("phi", "theta") if joint_clip else groups
        parts = [self.backward_part(part, share, wanted) for part, share in self.parts(batch)]
        stepped = [p for group in groups for p in self.groups[group]]
        graded = self.everything if joint_clip else stepped
        distributed.average_gradients(graded)
        if self.recipe.clip_norm is not None:
            clip_grad_norm_([p for p in graded if p.grad is not None], self.recipe.clip_norm)
        for group in groups:
            if group in self.steppers:
                self.steppers[group].step()
        self.progress.encoder_updates += "phi" in groups
        self.progress.decoder_updates += "theta" in groups
        self.clock.add(time.perf_counter() - started)
        return parts[0] if len(parts) == 1 else merge(parts)

    def parts(self, batch: Batch) -> Iterator[tuple[Batch, float]]:
        """The batch cut into micro-batches, each with its share of the mean."""
        pieces = min(self.recipe.micro_batches, len(batch.x))
        if pieces == 1:
            yield batch, 1.0
            return
        for x, index in zip(batch.x.chunk(pieces), batch.index.chunk(pieces), strict=True):
            yield Batch(x, index, weight=batch.weight), len(x) / len(batch.x)

    def backward_part(self, batch: Batch, share: float, groups: tuple[str, ...]) -> Descent:
        """Accumulate the gradients of one micro-batch on the groups wanted."""
        bound = self.bound.at(self.progress.epoch)
        with self.autocast():
            objective, terms = self.inference.objective(self, batch, bound)
        self.add_gradients(objective, share * batch.weight, groups)
        rows = len(batch.x)
        self.progress.encoder_passes += rows * self.inference.encodes + self.vae.prior.encoder_rows
        self.progress.decoder_passes += rows * self.inference.passes(bound.num_samples)
        return describe(objective, terms, share)

    def add_gradients(self, objective: Objective, share: float, groups: tuple[str, ...]) -> None:
        """Gradients of each group's own loss; one pass where the two are one object."""
        phi_loss, theta_loss = objective.phi_loss * share, objective.theta_loss * share
        if not (phi_loss.requires_grad or theta_loss.requires_grad):
            return  # nothing that learns has a part in it: SVI under a decoder that is given
        groups = tuple(group for group in groups if self.groups[group])  # some have no encoder
        if objective.phi_loss is objective.theta_loss or len(groups) == 1:
            loss = theta_loss if "theta" in groups else phi_loss
            inputs = [p for group in groups for p in self.groups[group]]
            loss.backward(inputs=inputs)
            return
        phi_loss.backward(inputs=self.groups["phi"], retain_graph=True)
        theta_loss.backward(inputs=self.groups["theta"])

    @property
    def batch_size(self) -> int:
        """Examples of a training batch in this process."""
        return max(1, self.recipe.batch_size // distributed.world_size())

    def autocast(self) -> AbstractContextManager[Any]:
        """bfloat16 for one forward pass.

        Not Lightning's, which wraps the whole training step: autocast keeps cast copies of
        weights until the outermost context is left, and a training step here updates weights
        many times. For the same reason nothing is kept here.
        """
        if not self.recipe.bf16:
            return nullcontext()  # a disabled autocast costs as much as an enabled one
        return torch.autocast(self.device.type, torch.bfloat16, cache_enabled=False)

    def restart(self, *groups: str) -> None:
        """Put these parts back to the values they began with; all optimisers begin anew."""
        with torch.no_grad():
            for name, value in self.vae.state_dict(keep_vars=True).items():
                if ("phi" if name.startswith("encoder.") else "theta") in groups:
                    value.copy_(self.initial[name])
        self.renew_optimizers()

    def renew_optimizers(self) -> None:
        """Forget what the optimisers remember of earlier gradients."""
        for optimizer in self.steppers.values():
            optimizer.load_state_dict({**optimizer.state_dict(), "state": {}})

    def train_row(self) -> dict[str, float]:
        """Means over the epoch's training examples, and beta at its last update."""
        count = distributed.sum_over_ranks(self.sums.new_tensor(self.progress.examples))
        means = distributed.sum_over_ranks(self.sums) / count
        names = ["train/bound", "train/reconstruction", "train/kl", "train/bound_phi"]
        row: dict[str, float] = dict(zip(names, means.tolist(), strict=False))
        row["train/elbo"] = row["train/reconstruction"] - row["train/kl"]
        return row | {"beta": self.beta} | self.rates.row()
