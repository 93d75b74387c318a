"""What a data set is: three splits of compact tensors, read and binarised on their device."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Integer
from torch import Tensor

from vaelab.traits import Trait


def as_float(x: Tensor) -> Tensor:
    """Values as they are stored."""
    return x.float()


@dataclass(frozen=True)
class Scaled:
    """(x + offset) / divisor: grey levels 0..255 to the unit interval."""

    divisor: float
    offset: float = 0.0

    def __call__(self, x: Tensor) -> Tensor:
        """Stored values to float32 in [0, 1]."""
        return (x.float() + self.offset) / self.divisor


@dataclass(frozen=True)
class Binarised:
    """A Bernoulli draw of every pixel at every use, with probability x / divisor.

    Noise comes from torch's global generator of x's device, so that who seeds that generator
    (vaelab.seeding) decides what is drawn.
    """

    divisor: float = 1.0

    def __call__(self, x: Tensor) -> Tensor:
        """Stored values to a fresh draw, float32 of 0 and 1."""
        p = x.float() / self.divisor if self.divisor != 1.0 else x.float()
        return (torch.rand_like(p) < p).float()


@dataclass(frozen=True)
class Split:
    """One split, compact; indexing gives what the network sees.

    `x` is [N, *shape] in the smallest type that holds it (uint8 or float32); `read` maps a
    selection of rows to float32 and may draw (dynamic binarisation).
    """

    x: Tensor
    read: Callable[[Tensor], Tensor] = as_float

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: Integer[Tensor, "B"]) -> Float[Tensor, "B *shape"]:
        return self.read(self.x[index])

    def to(self, device: torch.device | str) -> "Split":
        """The same split with its tensor on `device`."""
        return replace(self, x=self.x.to(device))

    def take(self, rows: Integer[Tensor, "M"]) -> "Split":
        """Some of the rows, in this order."""
        return replace(self, x=self.x[rows.to(self.x.device)])

    def batches(self, size: int) -> list[Integer[Tensor, "B"]] | None:
        """Which rows go together in batches of at most `size`, on the CPU, the same every epoch.

        None: any rows may, and every epoch shuffles them anew.
        """
        return None

    def predicted(self, index: Integer[Tensor, "B"]) -> Integer[Tensor, "B"] | None:
        """Tokens predicted of each row, which perplexity counts; None where there are no tokens."""
        return None


@dataclass(frozen=True)
class Splits:
    """Training, validation and test data; disjoint rows of what the source holds."""

    train: Split
    valid: Split
    test: Split

    def to(self, device: torch.device | str) -> "Splits":
        """The same splits on `device`."""
        return Splits(self.train.to(device), self.valid.to(device), self.test.to(device))


class Dataset(ABC):
    """A named source of splits. Construction reads no data, so that settings are checked first.

    Attributes:
        shape: event shape, (channels, height, width) of images, (D,) of vectors; a property where
            it must be read from a file's header.
        offers: what other components may rely on.
        pseudo_inputs: mean and standard deviation of the noise VampPrior's pseudo-inputs start
            from, chosen per data set in the authors' code (papers: 1705.07120).
        own_files: settings that are paths of the user's own data, whose content a run is held to.
        labels: marks every result of this data set carries, such as "stand-in".
    """

    shape: tuple[int, ...]
    offers: frozenset[Trait]
    pseudo_inputs: tuple[float, float] = (0.5, 0.02)
    own_files: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    @property
    def needs(self) -> frozenset[Trait]:
        """What this data set needs of others: sentences, an architecture for them."""
        return frozenset({Trait.SENTENCES} if Trait.TOKENS in self.offers else ())

    @abstractmethod
    def load(self) -> Splits:
        """Read the files (downloading what is missing) into CPU tensors.

        Raises:
            UserError: a file is missing, damaged or not what was expected.
        """

    def provenance(self) -> dict[str, object]:
        """What a result must say about its data: protocol, split seed, binarisation seed."""
        return {}
