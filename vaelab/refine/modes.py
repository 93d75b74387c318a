"""How networks stand while a posterior is refined: many passes that must leave no trace."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

Statistics = dict[_BatchNorm, tuple[Tensor, Tensor]]
"""Running mean and variance of the batch norms that are in training mode."""


def statistics(decoder: nn.Module) -> Statistics:
    """Copies, since the outer pass moves them before the way back through the steps."""
    found: Statistics = {}
    for module in decoder.modules():
        if isinstance(module, _BatchNorm) and module.training and module.running_mean is not None:
            assert module.running_var is not None, "batch norm has both or none"
            found[module] = (module.running_mean.clone(), module.running_var.clone())
    return found


@contextmanager
def frozen(decoder: nn.Module, kept: Statistics) -> Iterator[None]:
    """Batch norm uses these statistics and moves none."""
    now = {module: (module.running_mean, module.running_var) for module in kept}
    try:
        for module, (mean, variance) in kept.items():
            module.eval()
            module.running_mean, module.running_var = mean, variance
        yield
    finally:
        for module, (mean, variance) in now.items():
            module.train()
            module.running_mean, module.running_var = mean, variance


@contextmanager
def inner_passes(
    decoder: nn.Module, device: torch.device, kept: Statistics, *, twice: bool
) -> Iterator[None]:
    """Passes that take gradients with respect to z, in training and in evaluation mode.

    Batch norm uses running statistics and does not update them: an example's refinement does not
    depend on the others, and one outer step moves the statistics once. No autocast and no TF32:
    finite differences are of gradients a thousandth apart. On a GPU, cuDNN's LSTM refuses gradients
    in evaluation mode, and second ones always.

    Args:
        decoder: p(x|z).
        device: where it is.
        kept: the statistics to use.
        twice: whether gradients are differentiated again.
    """
    recurrent = any(isinstance(module, nn.RNNBase) for module in decoder.modules())
    refuses = recurrent and (twice or not decoder.training)
    cudnn = torch.backends.cudnn
    with (
        torch.autocast(device.type, enabled=False),
        cudnn.flags(
            enabled=cudnn.enabled and not refuses,
            benchmark=cudnn.benchmark,
            deterministic=cudnn.deterministic,
            allow_tf32=False,
        ),
        frozen(decoder, kept),
    ):
        yield
