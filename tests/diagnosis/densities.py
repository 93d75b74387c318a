"""Runs that have recorded known log-likelihoods, as a diagnosis gets them."""

import torch

from vaelab.diagnosis.base import Subject
from vaelab.runs.run import Run
from vaelab.watch import records

LINE = {
    "_target_": "vaelab.dataset.linear_gaussian.LinearGaussian", "dim": 3, "latent_dim": 1,
    "sigma": 1.0, "num_train": 20, "num_valid": 30, "num_test": 20, "seed": 1,
}  # fmt: skip


def recorded(folder, label, log_likelihood, decoder_passes, config=None, before=None):
    """A subject whose run has these records; encoder passes are twice, seconds a hundredth."""
    made = []
    for value, passes in zip(log_likelihood, decoder_passes, strict=True):
        numbers = {
            "log_likelihood": value,
            "decoder_passes": passes,
            "encoder_passes": 2 * passes,
            "seconds": passes / 100,
        }
        made.append({k: torch.tensor(v, dtype=torch.float64) for k, v in numbers.items()})
    run = Run(folder / label.replace(", ", "-"))
    records.write(made, records.path_of(run.folder, "log_likelihood"))
    cost = {} if before is None else {"precomputation_seconds": before}
    run.update(status="complete", labels=["stand-in"], cost=cost)
    settings = {
        "choices": {"dataset": "line"},
        "dataset": LINE,
        "max_examples": None,
        "watch": {"examples": None},
        "seed": 1,
    }
    return Subject(label, run, settings | (config or {}))
