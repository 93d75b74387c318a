"""Tensors of a generation as an .npz."""

from pathlib import Path

import numpy as np
from torch import Tensor

from vaelab.posterior import Latents


def save(path: Path, z: Latents, **tensors: Tensor) -> Path:
    """z_0, ... (one a level, [N, D_l], top first) and others by name; of latents [1, N, D_l]."""
    arrays = {f"z_{level}": one.flatten(0, -2).cpu().numpy() for level, one in enumerate(z)}
    arrays |= {name: tensor.cpu().numpy() for name, tensor in tensors.items()}
    np.savez(path, **arrays)  # pyright: ignore
    return path
