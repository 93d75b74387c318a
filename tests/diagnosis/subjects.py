"""Trained models with closed forms, as a diagnosis gets them."""

from contextlib import contextmanager
from pathlib import Path

from tests.evaluation.linear_gaussian import LinearGaussian
from vaelab.bound.elbo import Elbo
from vaelab.dataset.base import Split, Splits
from vaelab.diagnosis.base import Loaded, Subject
from vaelab.runs.run import Run

CONFIG = {"batch_size": 100}


class Known(Subject):
    """A subject that loads a given model, with `count` examples a split."""

    def __init__(self, label: str, model: LinearGaussian, count: int = 60) -> None:
        super().__init__(label, Run(Path(label)), {})
        object.__setattr__(self, "model", model)
        object.__setattr__(self, "count", count)
        object.__setattr__(self, "asked", [])

    def load(self, epoch=None):
        self.asked.append(epoch)
        split = self.model.split(self.count)
        splits = Splits(split, Split(split.x[:2], read=split.read), split)
        bound = Elbo(1, "sampled", 0.0, "total")
        vae = self.model.vae.eval()
        return Loaded(vae, self.model.posterior, bound, splits, CONFIG, epoch or 7, ["stand-in"])


@contextmanager
def no_bar(label, total):
    """Progress that nobody sees; what is done must be what was announced."""
    done = []
    yield done.append
    assert sum(done) == total, label
