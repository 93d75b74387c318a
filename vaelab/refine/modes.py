"""How networks stand while a posterior is refined: many passes that must leave no trace."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

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
def inner_passes(
    decoder: nn.Module, device: torch.device, kept: Statistics, *, twice: bool
) -> Iterator[None]:
    """Passes that take gradients with respect to z, in training and in evaluation mode.

    Batch norm uses running statistics and does not update them: an example's refinement does not
    depend on the others, and one outer step moves the statistics once. No autocast: steps are
    differences of gradients. On a GPU, cuDNN's LSTM refuses gradients in evaluation mode, and
    second ones always.

    Args:
        decoder: p(x|z).
        device: where it is.
        kept: the statistics to use.
        twice: whether gradients are differentiated again.
    """
    recurrent = any(isinstance(module, nn.RNNBase) for module in decoder.modules())
    now = {module: (module.running_mean, module.running_var) for module in kept}
    with ExitStack() as stack:
        stack.enter_context(torch.autocast(device.type, enabled=False))
        if recurrent and (twice or not decoder.training):
            stack.enter_context(torch.backends.cudnn.flags(enabled=False))
        try:
            for module, (mean, variance) in kept.items():
                module.eval()
                module.running_mean, module.running_var = mean, variance
            yield
        finally:
            for module, (mean, variance) in now.items():
                module.train()
                module.running_mean, module.running_var = mean, variance
