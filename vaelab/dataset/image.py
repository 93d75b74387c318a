"""Arrays of flattened images to [N, 1, height, width] tensors."""

import numpy as np
import torch
from torch import Tensor


def row_major(flat: np.ndarray, height: int, width: int) -> Tensor:
    """Images stored row after row, as MNIST and Frey Faces are."""
    images = flat.reshape(len(flat), 1, height, width)
    return torch.from_numpy(np.require(images, requirements=["C", "W"]))


def column_major(flat: np.ndarray, height: int, width: int) -> Tensor:
    """Images stored column after column, as MATLAB writes them: each is transposed."""
    images = flat.reshape(len(flat), 1, width, height).transpose(0, 1, 3, 2)
    return torch.from_numpy(np.require(images, requirements=["C", "W"]))
