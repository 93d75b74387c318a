"""Batch norm in evaluation mode is a scale and a shift, which the convolution before it can do."""

from jaxtyping import Float
from torch import Tensor, nn


def folded(
    weight: Float[Tensor, "O I k k"], norm: nn.BatchNorm2d
) -> tuple[Float[Tensor, "O I k k"], Float[Tensor, "O"]]:
    """Weight and shift of a convolution without bias and the batch norm after it, in one."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    return weight * scale[:, None, None, None], norm.bias - norm.running_mean * scale
