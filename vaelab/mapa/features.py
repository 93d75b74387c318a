"""The space in which examples are near each other: the data's own, or its principal components."""

from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from sklearn.decomposition import PCA
from torch import Tensor

Distance = Literal["raw", "pca"]


class Features:
    """Maps examples to vectors whose Euclidean distances count.

    Args:
        x: training examples, which principal components are of.
        distance: "raw" elements, or "pca".
        components: of "pca", at most.
    """

    def __init__(self, x: Float[Tensor, "N *event"], distance: Distance, components: int) -> None:
        self.centre: Tensor | None = None
        self.axes: Tensor | None = None
        flat = x.flatten(1)
        components = min(components, *flat.shape)
        if distance == "pca":
            solver = "full" if flat.shape[1] <= 100 else "randomized"
            fitted = PCA(components, svd_solver=solver, random_state=0).fit(flat.cpu().numpy())
            axes = np.asarray(fitted.components_)
            self.centre = torch.from_numpy(fitted.mean_).to(flat)
            self.axes = torch.from_numpy(axes).T.contiguous().to(flat)

    def __call__(self, x: Float[Tensor, "B *event"]) -> Float[Tensor, "B F"]:
        """Their features."""
        flat = x.flatten(1).float()
        if self.centre is None or self.axes is None:
            return flat
        self.centre, self.axes = self.centre.to(flat.device), self.axes.to(flat.device)
        with torch.autocast(flat.device.type, enabled=False):  # distances need the digits
            return (flat - self.centre) @ self.axes
