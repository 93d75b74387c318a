"""Each process's part of a checkpoint and of an evaluation, in a test of several processes."""

from pathlib import Path

import torch.distributed as dist
from small import make_task

from vaelab import checkpoint, distributed
from vaelab.dataset.base import Splits
from vaelab.errors import UserError
from vaelab.evaluation.kept import Kept
from vaelab.evaluation.measure import measure
from vaelab.evaluation.selecting import rows_within
from vaelab.task import Task


def half_an_epoch(settings: dict, data: Splits) -> Task:
    """A task that has made two of its updates; of another noise in each process."""
    task = make_task(settings, data)
    for step in range(2):
        task.update(step)
    return task


def own(task: Task) -> dict:
    """What differs between processes."""
    return checkpoint.share(task) | {"sums": task.sums.tolist()}


def resumed(settings: dict, data: Splits, content: dict) -> dict:
    """What a process has of a checkpoint's sums."""
    task = make_task(settings, data)
    checkpoint.restore(content, task, [])
    return own(task)


def checkpoints(settings: dict, data: Splits, folder: Path) -> dict:
    """Write one of all processes; go on from it, and from one of a single process."""
    task = half_an_epoch(settings, data)
    content = checkpoint.snapshot(task, [], distributed.everyones(checkpoint.share(task)))
    if distributed.rank() == 0:
        checkpoint.write(content, folder / "together.ckpt")
    distributed.any_of(False)
    again = checkpoint.read(folder / "together.ckpt")
    alone = checkpoint.read(folder / "alone.ckpt")
    return {
        "had": own(task),
        "again": resumed(settings, data, again),
        "more": resumed(settings, data, alone),
    }


def evaluated(settings: dict, data: Splits, done: Path | None = None) -> dict:
    """Arrays of an evaluation in small parts, some of which a killed one has done."""
    kept = None if done is None or distributed.rank() else Kept(done, "", every=1e9)
    return measured(make_task(settings, data).eval(), data, kept)


def measured(task: Task, data: Splits, kept: Kept | None) -> dict:
    """The same of a task."""
    found = measure(
        task.vae, lambda batch: task.inference.posterior(task, batch), data.valid, "valid",
        seed=1, samples=40, examples=50, rows=300, progress=lambda count: None, kept=kept,
    )  # fmt: skip
    return found.arrays() | {"z": found.z}


def agreed() -> dict:
    """Decisions, and rows of batches that processes have in turn."""
    rank, world = dist.get_rank(), dist.get_world_size()
    sizes = [30, 30, 30, 11][rank::world]
    return {
        "any": [distributed.any_of(rank == 1), distributed.any_of(False)],
        "largest": distributed.largest(float(rank)),
        "rows": rows_within(sizes, 65, whole=False),
        "batches": rows_within(sizes, 65, whole=True),
        "made": list(distributed.shared_out(lambda n: (n, rank), range(3, 10))),
        "fault": faults(),
    }


def faults() -> list:
    """What was made before a process met a mistake, and the mistake."""

    def make(number: int) -> int:
        if number == 1:
            raise UserError("no mass")
        return number

    made = []
    try:
        made.extend(distributed.shared_out(make, range(9)))
    except UserError as error:
        return [*made, str(error)]
    return made
