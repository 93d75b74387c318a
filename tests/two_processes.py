"""What a process of a test of several does: no Lightning, the collectives alone."""

import os
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import ddp_gradients
import ddp_shares
import torch
import torch.distributed as dist
from small import config, make_task, splits
from texts import text_config, text_splits
from torch import Tensor, nn

from vaelab import distributed
from vaelab.batch import Batch
from vaelab.distributed import average_buffers, average_gradients, from_first, gathered
from vaelab.distribution import DiagonalGaussian


def joined(rank: int, world: int, folder: str) -> None:
    """Make this process one of `world`; they meet by a file. A deadlock ends after a minute."""
    torch.set_num_threads(1)
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=world,
        timeout=timedelta(seconds=60),
    )  # fmt: skip


def everything(
    rank: int, world: int, folder: str, runs: dict[str, list[str]], cases: dict[str, dict]
) -> None:
    """All that is looked at, in one go: starting a process takes seconds."""
    joined(rank, world, folder)
    found = {name: aggressive(overrides) for name, overrides in runs.items()}
    if runs:
        found |= {"collectives": collectives(rank), "refined": refined_gradients(rank, world)}
    size = ddp_gradients.examples(world)
    found["cases"] = {name: ddp_gradients.gradients(case, size) for name, case in cases.items()}
    found["sums"] = ddp_gradients.untouched_by_lightning(cases["joint"])
    found["checkpoints"] = ddp_shares.checkpoints(cases["savae"], splits(), Path(folder))
    done = Path(folder) / "done.part"
    found["evaluated"] = ddp_shares.evaluated(cases["joint"], splits())
    found["continued"] = ddp_shares.evaluated(cases["joint"], splits(), done)
    found["agreed"] = ddp_shares.agreed()
    torch.save(found, Path(folder) / f"{rank}.pt")
    distributed.leave()


def aggressive(overrides: list[str], updates: int = 6) -> dict:
    """Some updates and a validation."""
    if "trainer=aggressive_text" in overrides:
        task = make_task(text_config(*overrides), text_splits())
    else:
        task = make_task(config(*overrides), splits())
    steps = []
    for number in range(updates):
        before = task.progress.encoder_updates
        task.update(number % task.steps_per_epoch)
        steps.append(task.progress.encoder_updates - before)
    index = task.batch_at(0).index
    task.eval()
    with torch.no_grad():
        task.validation_step()
    return {
        "steps": steps, "index": index, "row": task.row,
        "weights": torch.cat([p.detach().flatten() for p in task.everything]),
        "on": task.inference.state["on"], "mi": task.inference.state["reference_mi"],
        "passes": task.progress.decoder_passes, "spent": task.progress.spent,
    }  # fmt: skip


def refined_gradients(rank: int, world: int) -> dict:
    """Of one batch by every kind of refinement; each process has its part of rows and noise."""
    rows = torch.arange(8).chunk(world)[rank]
    x = torch.rand(8, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def rsample(self: DiagonalGaussian, num_samples: int) -> Tensor:
        noise = torch.randn(num_samples, 8, self.mean.shape[-1], dtype=torch.float64)
        return self.mean + torch.exp(0.5 * self.log_var) * noise[:, rows]

    found = {}
    with patch.object(DiagonalGaussian, "rsample", rsample):
        for kind in ("exact", "fd", "first_order"):
            words = ["trainer=savae", "trainer.steps=3", f"trainer.inner_grad={kind}"]
            task = make_task(config(*words, "prior=vamp", "prior.components=3")).double()
            torch.manual_seed(0)
            task.descend(Batch(x[rows].round(), rows), "phi", "theta")
            grads = [p.grad.flatten() for p in task.everything if p.grad is not None]
            found[kind] = torch.cat(grads)
    return found


def collectives(rank: int) -> dict:
    """Rows of unequal number, the first process's numbers, a gradient that one process lacks."""
    mine = torch.full((3,), float(rank))
    from_first([mine])
    parameters = [nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(1))]
    parameters[0].grad = torch.tensor([1.0, 10.0]) * (rank + 1)
    if rank == 0:
        parameters[1].grad = torch.tensor([4.0])
    average_gradients(parameters)
    norm = nn.BatchNorm1d(1)
    norm.running_mean.fill_(4.0 * rank)
    average_buffers(norm)
    task = make_task(text_config(), text_splits())
    parts = [task.batch_at(step) for step in range(task.steps_per_epoch)]
    return {
        "rows": gathered(torch.full((rank + 1, 2), float(rank))),
        "first": mine,
        "gradients": [p.grad for p in parameters],
        "running_mean": norm.running_mean,
        "parts": [(part.index.tolist(), part.weight) for part in parts],
    }
