"""`vaelab evaluate`: a finished run's model measured again.

Files go into the run's folder, beside its own results, which stay as they are.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vaelab.assemble import labels, load_task
from vaelab.build import construct, device
from vaelab.evaluation.evaluate import Evaluation
from vaelab.evaluation.splits import evaluate_splits
from vaelab.files import write_json
from vaelab.runs.evaluated import evaluation_file, weights
from vaelab.runs.provenance import provenance
from vaelab.runs.run import Run


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
    discrete, dataset = parts.likelihood.discrete, parts.dataset
    evaluated = evaluate_splits(task, evaluation, discrete, dataset, epoch, stem)
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
