"""How networks stand while a posterior is refined: many passes that must leave no trace."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def inner_passes(decoder: nn.Module, device: torch.device, *, twice: bool) -> Iterator[None]:
    """Passes that take gradients with respect to z alone, in training and in evaluation mode.

    Batch norm uses its running statistics and does not update them: an example's refinement does
    not depend on the others, and one outer step moves the statistics once. No autocast: steps are
    differences of gradients. On a GPU, cuDNN's LSTM refuses gradients in evaluation mode, and
    second ones always.

    Args:
        decoder: p(x|z).
        device: where it is.
        twice: whether gradients are differentiated again.
    """
    frozen = [m for m in decoder.modules() if isinstance(m, _BatchNorm) and m.training]
    recurrent = any(isinstance(module, nn.RNNBase) for module in decoder.modules())
    with ExitStack() as stack:
        stack.enter_context(torch.autocast(device.type, enabled=False))
        if recurrent and (twice or not decoder.training):
            stack.enter_context(torch.backends.cudnn.flags(enabled=False))
        for module in frozen:
            module.eval()
        stack.callback(lambda: [module.train() for module in frozen])
        yield
