"""Runs that have recorded known posterior means, as a diagnosis gets them."""

import torch

from vaelab.diagnosis.base import Subject
from vaelab.runs.run import Run
from vaelab.watch import records


def recorded(folder, label, model, encoder, update, encoder_updates=None, index=None):
    """A subject whose run has these means; lists of one list for each record."""
    made = []
    for at, row in enumerate(model):
        steps = (encoder_updates or update)[at]
        one = {"update": update[at], "encoder_updates": steps, "decoder_updates": update[at]}
        one = {name: torch.tensor(value) for name, value in one.items()}
        one["index"] = torch.tensor(index or list(range(len(row))))
        one["model"] = torch.tensor(row, dtype=torch.float64)
        one["encoder"] = torch.tensor(encoder[at], dtype=torch.float64)
        one["kl"], one["mi"] = torch.tensor(0.5 * at), torch.tensor(0.25 * at)
        made.append(one)
    run = Run(folder / label)
    records.write(made, records.path_of(run.folder, "posterior_lag"))
    run.update(status="complete", labels=["stand-in"])
    return Subject(label, run, {})
