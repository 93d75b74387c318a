"""Gradients of every descent of some updates, with noise that is given: each row has its own.

Processes get their rows' part of what one process would draw, so that the mean gradient over
processes must be the one process's.
"""

from contextlib import ExitStack
from unittest.mock import patch

import torch
import torch.distributed as dist
from small import make_task
from torch import Tensor

from vaelab import task as module
from vaelab.composing.compose import Composer
from vaelab.composing.validate import validate
from vaelab.dataset.base import Split, Splits
from vaelab.feed import Feed
from vaelab.seeding import seed_noise
from vaelab.sweeps.plan import container
from vaelab.task import Task

SIZE = 33
COMMON = ("dataset.binarise=fixed", f"batch_size={SIZE}", "lightning=cpu", "optimizer=sgd",
          "optimizer.phi.lr=1e-3", "optimizer.theta.lr=1e-3", "clip_norm=20")  # fmt: skip
MLP = ("architecture.latent_dim=3", "architecture.hidden=[12]")
HVAE = ("architecture=hvae", "architecture.latent_dims=[3,2]", "architecture.width=12")
VAMP = ("prior=vamp", "prior.components=3")
AGGRESSIVE = ("trainer=aggressive", "trainer.window=1", "trainer.max_inner_steps=9")
SAVAE = ("trainer=savae", "trainer.steps=2")
CASES = {
    "joint": MLP,
    "joint vamp": (*MLP, *VAMP),
    "joint two levels": HVAE,
    "joint two levels vamp": (*HVAE, *VAMP),
    "joint iwae": (*MLP, "bound=iwae", "bound.K=3"),
    "aggressive": (*MLP, *AGGRESSIVE),
    "aggressive vamp": (*MLP, *VAMP, *AGGRESSIVE),
    "aggressive two levels": (*HVAE, *AGGRESSIVE),
    "aggressive two levels vamp": (*HVAE, *VAMP, *AGGRESSIVE),
    "savae": (*MLP, *SAVAE),
    "savae vamp": (*MLP, *VAMP, *SAVAE),
    "mapa": (*MLP, "trainer=mapa"),
    "mapa vamp": (*MLP, *VAMP, "trainer=mapa", "trainer.layout=soft"),
}


def configs() -> dict[str, dict]:
    """Of every case; composing costs a process more than training them."""
    composer = Composer()
    return {
        name: validate(container(composer.cells([*COMMON, *words])[0]))
        for name, words in CASES.items()
    }


def splits(train: int) -> Splits:
    """Black and white 8x8 images, as they are."""
    x = torch.rand(train + 100, 1, 8, 8, generator=torch.Generator().manual_seed(3)).round()
    return Splits(*(Split(part.double(), lambda rows: rows) for part in x.split([train, 50, 50])))


def examples(world: int) -> int:
    """Of the training data: the last batch has a row less than there are processes."""
    return 3 * SIZE + world - 1


def gradients(settings: dict, train: int) -> dict:
    """Of an epoch: every descent's gradients, inner steps of each update, and the epoch's means."""
    data, found, steps = splits(train), [], []
    if settings["choices"]["trainer"] == "mapa":  # its tables give float32
        data = Splits(*(Split(one.x.float()) for one in (data.train, data.valid, data.test)))
    task = make_task(settings, data)
    if data.train.x.dtype == torch.float64:
        task.double()

    def watched(self, batch, *groups):
        seen = descend(self, batch, *groups)
        every = [torch.zeros_like(p) if p.grad is None else p.grad for p in self.everything]
        found.append(torch.cat([grad.flatten() for grad in every]))
        return seen

    with ExitStack() as stack:
        for one in by_row():
            stack.enter_context(one)
        descend = Task.descend
        stack.enter_context(patch.object(Task, "descend", watched))
        for step in range(task.steps_per_epoch):
            before = len(found)
            task.update(step)
            steps.append(len(found) - before)
    row = {name: value for name, value in task.train_row().items() if name.startswith("train/")}
    return {"gradients": torch.stack(found), "steps": steps, "row": row}


def by_row() -> list:
    """Patches: noise is drawn for all rows of the batch, and this process keeps its own.

    Rows are the last axis but one, [K, B, D]; the last of draws of indices, [K, B].
    """
    part_of, descend, places, place = Feed.part_of, Task.descend, {}, {}

    def placed(self, index):
        batch = part_of(self, index)
        mine = batch.index.tolist()
        rows = [index.tolist().index(row) for row in mine]
        places[tuple(mine)] = {"rows": rows, "all": len(index)}
        return batch

    def at_its_place(self, batch, *groups):
        place.update(places[tuple(batch.index.tolist())])
        return descend(self, batch, *groups)

    def whole(draw):
        def drawn(*shape, **kind) -> Tensor:
            axis = max(1, len(shape) - 2)
            assert shape[axis] == len(place["rows"])
            every = draw(*shape[:axis], place["all"], *shape[axis + 1 :], **kind)
            return every.index_select(axis, torch.tensor(place["rows"]))

        return drawn

    rand, randn = whole(torch.rand), whole(torch.randn)
    return [
        patch.object(Feed, "part_of", placed),
        patch.object(Task, "descend", at_its_place),
        patch.object(torch, "rand", rand),
        patch.object(torch, "randn", randn),
        patch.object(torch, "rand_like", lambda x: rand(*x.shape, dtype=x.dtype)),
        patch.object(torch, "randn_like", lambda x: randn(*x.shape, dtype=x.dtype)),
        # One stream for all processes, which are at the same place in it.
        patch.object(module, "seed_noise", lambda device, *parts: seed_noise(device, *parts[:3])),
    ]


def untouched_by_lightning(settings: dict) -> list[float]:
    """An epoch's sums after what DistributedDataParallel does before a block of updates."""
    task = make_task(settings, splits(SIZE))
    task.sums += dist.get_rank()
    task.forward = lambda: torch.zeros(())
    torch.nn.parallel.DistributedDataParallel(task)()
    return task.sums.tolist()
