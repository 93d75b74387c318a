"""What trainer=mapa holds on the training device: index posteriors, layout and targets."""

import hashlib
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vaelab.dataset.base import Split
from vaelab.mapa.cells import Cells
from vaelab.mapa.features import Distance, Features
from vaelab.mapa.kernel import of_others
from vaelab.mapa.layout import Layout
from vaelab.mapa.neighbours import Neighbours
from vaelab.mapa.recipe import Recipe, fingerprint, fit
from vaelab.mapa.sparse import SparseRows
from vaelab.mapa.targets import Targets, collapsed
from vaelab.mapa.width import of_perplexity

KEPT = ("rows", "targets")  # what follows the module to another device
ROOM = 2**24  # entries of other examples' rows that are kept, 200 MB


class Tables(nn.Module):
    """The index posterior of any x among N training examples, and the cell of each of them.

    The layout, the kernel's width and the scaling of columns are buffers, so that a model is
    evaluated with those it was trained with; all else is computed from the training data.

    Args:
        recipe: how.
        distance: between which features.
        components: of distance "pca".
        train: the training data.

    Attributes:
        facts: what was found, plain numbers; empty before.
        fingerprint: of the data and the settings.
    """

    place: Tensor
    variance: Tensor
    log_scale: Tensor
    points: Tensor

    def __init__(self, recipe: Recipe, distance: Distance, components: int, train: Split) -> None:
        super().__init__()
        self.recipe = recipe
        size = len(train)
        self.x = train[torch.arange(size, device=train.x.device)].cpu()
        self.features = Features(self.x, distance, components)
        points = self.features(self.x)
        self.fingerprint = fingerprint(recipe, distance, components, self.x)
        self.facts: dict[str, float] = {}
        width = (size,) if recipe.per_row else ()
        self.register_buffer("place", torch.arange(size))
        self.register_buffer("variance", torch.full(width, torch.nan, dtype=torch.float64))
        self.register_buffer("log_scale", torch.zeros(size, dtype=torch.float64))
        self.register_buffer("points", points, persistent=False)
        self.made: dict[str, Any] = {}
        self.forget()
        self.register_load_state_dict_post_hook(lambda *_: self.forget())

    def _apply(self, fn: Any, recurse: bool = True) -> "Tables":
        """Torch's way to another device or type: what took long to make goes along."""
        super()._apply(fn, recurse)
        self.forget()
        return self

    def forget(self) -> None:
        """What belongs to other buffers, or to another device; rows and targets move."""
        device = self.place.device
        self.made = {name: self.made[name].to(device) for name in KEPT if name in self.made}
        self.others: dict[bytes, SparseRows] = {}
        self.room = ROOM

    def fit(self) -> list[str]:
        """Compute everything.

        Returns:
            warnings, in words.

        Raises:
            UserError: the settings do not fit data of this size.
        """
        fitted = fit(self.recipe, self.neighbours)
        self.place.copy_(fitted.place)
        self.variance.copy_(fitted.variance)
        self.log_scale.copy_(fitted.log_scale)
        self.facts = fitted.facts
        self.made.pop("layout", None)
        self.made["rows"] = fitted.rows
        self.others, self.room = {}, ROOM
        return fitted.warnings

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """What `make` gives, until buffers change or move."""
        if name not in self.made:
            self.made[name] = make()
        return self.made[name]

    @property
    def neighbours(self) -> Neighbours:
        """Among the training examples."""
        return self.once("neighbours", lambda: Neighbours(self.points))

    @property
    def layout(self) -> Layout:
        """The cell of each training example."""
        cells = lambda: Cells(len(self.place), self.recipe.latent_dim)  # noqa: E731
        return self.once("layout", lambda: Layout(cells(), self.place))

    @property
    def rows(self) -> SparseRows:
        """q(m|x_n) of every training example, its own index as the recipe says."""
        return self.once("rows", lambda: fit(self.recipe, self.neighbours).rows)

    @property
    def targets(self) -> Targets:
        """What is left of the data in the collapsed bound."""
        device = self.place.device
        return self.once("targets", lambda: collapsed(self.rows, self.x).to(device, torch.float32))

    def of(self, x: Float[Tensor, "B *event"]) -> SparseRows:
        """q(m|x) of any x, as of one that is none of the training examples.

        Kept: validation asks for the same batches every epoch, and finding their neighbours takes
        longer than an epoch of small networks.
        """
        key = hashlib.blake2b(x.detach().cpu().numpy().tobytes()).digest()
        if (rows := self.others.get(key)) is None:
            rows = self.compute(x)
            if (size := rows.columns.numel()) <= self.room:
                self.others[key] = rows
                self.room -= size
        return rows

    def compute(self, x: Float[Tensor, "B *event"]) -> SparseRows:
        """The same, anew."""
        near = of_others(self.neighbours, self.features(x), int(self.facts["neighbours"]))
        variance = self.variance
        if self.recipe.per_row:
            variance = of_perplexity(near, self.recipe.perplexity, per_row=True)
        logs = near.log_kernel(variance) + self.log_scale[near.index]
        return SparseRows.regular(near.index, logs.softmax(1), near.size)
