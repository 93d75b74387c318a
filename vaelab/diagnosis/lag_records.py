"""Records of watch=posterior_lag of a run, as diagnoses read them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from vaelab.diagnosis.base import Subject
from vaelab.errors import UserError
from vaelab.watch import records

NAME = "posterior_lag"


@dataclass(frozen=True)
class Lag:
    """R records of N examples, in the order of training.

    Attributes:
        update: decoder updates before each record.
        encoder_updates: those of the encoder.
        index: rows of the training data.
        model: means of p(z|x).
        encoder: means of q(z|x).
        kl: mean over the examples, nats.
        mi: the same, nats.
    """

    update: Int[ndarray, "R"]
    encoder_updates: Int[ndarray, "R"]
    index: Int[ndarray, "N"]
    model: Float[ndarray, "R N"]
    encoder: Float[ndarray, "R N"]
    kl: Float[ndarray, "R"]
    mi: Float[ndarray, "R"]

    def nearest(self, update: int) -> int:
        """The record nearest to an update; of two, the earlier."""
        return int(np.abs(self.update - update).argmin())

    def correlation(self, record: int) -> float:
        """Of the two means over the examples; NaN where one of them is the same for all."""
        x, y = self.model[record], self.encoder[record]
        spread = x.std() * y.std()
        together = ((x - x.mean()) * (y - y.mean())).mean()
        return float(together / spread) if spread > 0 else float("nan")


def read(subject: Subject) -> Lag:
    """What a run recorded.

    Raises:
        UserError: nothing, or the file is damaged.
    """
    arrays = records.read(records.path_of(subject.run.folder, NAME))
    if arrays is None:
        raise UserError(
            f"{subject.run}: has no record of its posterior means; train it with "
            "watch=posterior_lag (and one latent dimension, architecture.latent_dim=1)"
        )
    names = ("update", "encoder_updates", "model", "encoder", "kl", "mi")
    return Lag(index=arrays["index"][0], **{name: arrays[name] for name in names})


def marks(subjects: Sequence[Subject]) -> list[str]:
    """Labels of the runs' results, such as "reduced", each once."""
    found = [mark for one in subjects for mark in one.run.read().get("labels", [])]
    return list(dict.fromkeys(found))
