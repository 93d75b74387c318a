"""Arrays of flattened images to [N, 1, height, width] tensors."""

import numpy as np
import torch
from torch import Tensor


def row_major(flat: np.ndarray, height: int, width: int) -> Tensor:
    """Images stored row after row, as MNIST and Frey Faces are."""
    images = flat.reshape(len(flat), 1, height, width)
    return torch.from_numpy(np.require(images, requirements=["C", "W"]))


def block_means(flat: np.ndarray, side: int, factor: int) -> np.ndarray:
    """Square images, row after row, each block of factor x factor pixels as its mean.

    float32 [N, (side / factor)^2]; `factor` divides `side`.
    """
    small = side // factor
    blocks = flat.reshape(len(flat), small, factor, small, factor)
    return blocks.mean((2, 4), dtype=np.float32).reshape(len(flat), small * small)


def column_major(flat: np.ndarray, height: int, width: int) -> Tensor:
    """Images stored column after column, as MATLAB writes them: each is transposed."""
    images = flat.reshape(len(flat), 1, width, height).transpose(0, 1, 3, 2)
    return torch.from_numpy(np.require(images, requirements=["C", "W"]))
