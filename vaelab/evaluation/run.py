"""`vaelab evaluate` and `vaelab sample`: what a finished run's model is asked for later.

Files go into the run's folder, beside its own results, which stay as they are.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vaelab.build import construct, device
from vaelab.errors import UserError
from vaelab.evaluated import evaluation_file, weights
from vaelab.evaluation.evaluate import Evaluation
from vaelab.evaluation.measure import in_eval_mode
from vaelab.evaluation.sample import Samples, ancestral, decode
from vaelab.evaluation.splits import evaluate_splits
from vaelab.files import write_json
from vaelab.fit import labels, load_task
from vaelab.provenance import provenance
from vaelab.reporting import clouds, images
from vaelab.reporting.style import Heading
from vaelab.run import Run
from vaelab.seeding import noise


def evaluate_run(run: Run, config: Mapping[str, Any]) -> Path:
    """Evaluate a run as config["evaluation"] says, its selected epoch or the one named there.

    Returns the JSON it wrote.

    The file is evaluations/<hash of the settings>.json in the run's folder: the same settings
    write the same file. With `per_example` an .npz of each split stands beside it.

    Raises:
        UserError: there is no such checkpoint, or it does not fit the config.
    """
    evaluation: Evaluation = construct(config["evaluation"], {})
    checkpoint = weights(run, config, evaluation.epoch)
    task, parts, epoch = load_task(config, checkpoint)
    task = task.to(device(config)).eval()
    path = evaluation_file(run, config)
    stem = path.with_suffix("")
    evaluated = evaluate_splits(task, evaluation, parts.likelihood.discrete, epoch, stem)
    if evaluation.per_example:
        path.parent.mkdir(parents=True, exist_ok=True)
        for name, results in evaluated.results.items():
            arrays = {key: array.numpy() for key, array in results.arrays.items()}
            np.savez(f"{stem}-{name}.npz", **arrays)  # pyright: ignore
    record = {
        "metrics": evaluated.metrics,
        "evaluation": evaluation.settings,
        "checkpoint": {"file": checkpoint.name, "epoch": epoch},
        "device": str(device(config)),
        "data": parts.dataset.provenance(),
        "labels": labels(config, parts),
        **provenance(),
    }
    write_json(path, record)
    evaluated.discard()
    return path


def sample_run(
    run: Run, config: Mapping[str, Any], count: int, component: int | None, seed: int
) -> list[Path]:
    """Draw from a run's prior and decode: samples.png and samples.npz (z_0, ..., mean, x).

    A mixture is really sampled, or only its `component`. The folder is
    samples/seed<k>[-component<c>] in the run's, with a number behind it where that exists.

    Raises:
        UserError: count is below 1, or the prior has no such component.
    """
    if count < 1:
        raise UserError(f"count={count}: must be at least 1")
    task, parts, epoch = load_task(config, weights(run, config, None))
    place = device(config)
    task = task.to(place)
    levels = len(parts.architecture.latent_dims)
    with in_eval_mode(task.vae), torch.no_grad(), noise(place, seed, "sample"):
        drawn = decode(task.vae, ancestral(task.vae, levels, count, component))
    name = f"seed{seed}" + ("" if component is None else f"-component{component}")
    folder = beside(run.folder / "samples" / name)
    arrays = {f"z_{level}": z.numpy() for level, z in enumerate(drawn.z)} | {"x": drawn.x.numpy()}
    if drawn.mean is not None:
        arrays["mean"] = drawn.mean.numpy()
    np.savez(folder / "samples.npz", **arrays)  # pyright: ignore
    heading = Heading(f"{count} samples from the prior", f"{run}, epoch {epoch}, {name}")
    picture = _picture(drawn, task.splits.test.x, folder / "samples.png", heading)
    return [folder / "samples.npz", *picture]


def beside(folder: Path) -> Path:
    """Make this folder, or the first of folder-2, folder-3, ... that does not exist."""
    number, made = 1, folder
    while True:
        try:
            made.mkdir(parents=True)
        except FileExistsError:
            number += 1
            made = folder.with_name(f"{folder.name}-{number}")
        else:
            return made


def _picture(drawn: Samples, x: torch.Tensor, path: Path, heading: Heading) -> list[Path]:
    """Images as grids, vectors as points beside the test data; other data have no picture."""
    if drawn.x.ndim == 4:
        return [images.samples(drawn.mean, drawn.x, path, heading)]
    if drawn.x.ndim == 2 and x.is_floating_point():
        return [clouds.vectors(x[: len(drawn.x)], drawn.x, path, heading)]
    return []
