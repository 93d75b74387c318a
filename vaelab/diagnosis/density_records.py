"""Records of watch=log_likelihood of a run, as diagnoses read them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from numpy import ndarray

from vaelab.build import construct
from vaelab.dataset.base import Dataset
from vaelab.dataset.limit import limited
from vaelab.diagnosis.base import Subject
from vaelab.errors import UserError
from vaelab.evaluation.truth import Known
from vaelab.seeding import permutation
from vaelab.watch import records

NAME = "log_likelihood"


@dataclass(frozen=True)
class Density:
    """R records of one run, in the order of training.

    Attributes:
        log_likelihood: mean log p(x) of the validation examples that were watched, nats.
        spent: "decoder_passes", "passes" of both networks, and "seconds", before each record.
        truth: mean log p(x) of the same examples under the model the data are drawn from; None
            where that is not known.
    """

    log_likelihood: Float[ndarray, "R"]
    spent: Mapping[str, Float[ndarray, "R"]]
    truth: float | None


def read(subject: Subject) -> Density:
    """What a run recorded; its seconds have those before training in them.

    Raises:
        UserError: nothing, or the file is damaged.
    """
    arrays = records.read(records.path_of(subject.run.folder, NAME))
    if arrays is None:
        raise UserError(
            f"{subject.run}: has no record of its log-likelihood; train it with "
            "watch=log_likelihood (and architecture.latent_dim=1 or 2)"
        )
    before = subject.run.read().get("cost", {}).get("precomputation_seconds", 0.0)
    spent = {
        "decoder_passes": arrays["decoder_passes"],
        "passes": arrays["decoder_passes"] + arrays["encoder_passes"],
        "seconds": arrays["seconds"] + before,
    }
    return Density(arrays["log_likelihood"], spent, truth(subject.config))


def truth(config: Mapping[str, Any]) -> float | None:
    """Of the examples that a run with this config watches."""
    dataset: Dataset = construct(config["dataset"], {})
    if not isinstance(dataset, Known):
        return None
    valid = limited(dataset.load(), config["max_examples"]).valid
    watched = permutation(len(valid), config["seed"], NAME)[: config["watch"]["examples"]]
    return float(dataset.log_marginal(valid[watched]).mean())
