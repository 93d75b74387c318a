"""A run of trainer=mapa on draws of a known model: index posteriors, and codes behind the data."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from vaelab.dataset.base import Split, Splits
from vaelab.dataset.known_model import KnownModel
from vaelab.dataset.limit import limited
from vaelab.diagnosis.base import Loaded, Subject
from vaelab.errors import UserError
from vaelab.mapa.tables import Tables
from vaelab.trainer.mapa import Mapa


@dataclass(frozen=True)
class Case:
    """A run of which all is known; float64 on the CPU but for `loaded`.

    Attributes:
        dataset: the true model.
        inference: what knows the index posteriors.
        x: the training data.
        codes: of which they were made.
    """

    subject: Subject
    loaded: Loaded
    dataset: KnownModel
    inference: Mapa
    x: Float[Tensor, "N D"]
    codes: Float[Tensor, "N d"]

    @property
    def tables(self) -> Tables:
        """Index posteriors and cells."""
        return self.inference.ready_tables()

    @property
    def kernel_variance(self) -> Float[Tensor, "*N"]:
        """The h^2 of the index posteriors, one number or one of each example."""
        return self.tables.variance.cpu()

    @property
    def learned_codes(self) -> Float[Tensor, "N d"]:
        """Where the run puts each index: its code, or the mean of z in its cell."""
        if self.inference.soft:
            return self.inference.code.detach().double().cpu()
        return self.tables.layout.moments()[0].cpu()


def known_case(subject: Subject, loaded: Loaded) -> Case:
    """A run of trainer=mapa on draws of a known model, of one or two latent dimensions.

    Raises:
        UserError: it is another.
    """
    dataset, inference = loaded.dataset, loaded.inference
    if not isinstance(inference, Mapa):
        raise UserError(f"{subject.run}: has no index posteriors; diagnose a run of trainer=mapa")
    if not isinstance(dataset, KnownModel) or dataset.latent_dim > 2:
        raise UserError(
            f"{subject.run}: its data set does not know of which codes of one or two dimensions "
            "its examples were made; train on another (dataset=circle, figure8, saddle)"
        )
    # The same examples that max_examples left.
    codes = limited(Splits(*map(Split, dataset.codes)), loaded.config["max_examples"]).train.x
    train = loaded.splits.train.x.double().cpu()
    return Case(subject, loaded, dataset, inference, train, codes)
