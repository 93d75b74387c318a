"""Layers the VampPrior networks share (Tomczak & Welling, 1705.07120, section 2 of its code)."""

import math
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vaelab.distribution import DiagonalGaussian

Init = Literal["he", "glorot", "default"]


class GatedDense(nn.Module):
    """(W x + b) * sigmoid(V x + c): a linear branch and a gate.

    The branches are two layers, not one of twice the width: gradients are normalised by tensor.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.gate = nn.Linear(inputs, outputs)

    def forward(self, x: Float[Tensor, "*B I"]) -> Float[Tensor, "*B O"]:
        """The gated output."""
        return self.linear(x) * torch.sigmoid(self.gate(x))


class GatedPair(nn.Module):
    """The GatedDense of the concatenation [a, b].

    Args:
        inputs: widths of a and b.
        outputs: width of the result.
    """

    def __init__(self, inputs: tuple[int, int], outputs: int) -> None:
        super().__init__()
        self.inputs = inputs
        self.linear = nn.Linear(sum(inputs), outputs)
        self.gate = nn.Linear(sum(inputs), outputs)

    def forward(self, a: Float[Tensor, "*S B A"], b: Float[Tensor, "K B C"]) -> Tensor:
        """The gated output [K, B, O]; `a` may lack the axis K."""
        if a.ndim == b.ndim or len(b) == 1:
            ab = torch.cat([a.expand(*b.shape[:-1], -1), b], dim=-1)
            return self.linear(ab) * torch.sigmoid(self.gate(ab))
        return self.apart(self.linear, a, b) * torch.sigmoid(self.apart(self.gate, a, b))

    def apart(self, layer: nn.Linear, a: Tensor, b: Tensor) -> Tensor:
        """The layer on [a, b] with a's part once for each example, not for each of K samples.

        The columns of one weight are split, and it stays one: gradients are normalised by tensor.
        """
        of_a, of_b = layer.weight.split(self.inputs, dim=1)
        return F.linear(a, of_a, layer.bias) + F.linear(b, of_b)


class GaussianHead(nn.Module):
    """h -> N(mean, exp(log_var)), log_var in [-6, 2]."""

    def __init__(self, inputs: int, latent_dim: int) -> None:
        super().__init__()
        self.mean = nn.Linear(inputs, latent_dim)
        self.log_var = nn.Linear(inputs, latent_dim)

    def forward(self, h: Float[Tensor, "*K B I"]) -> DiagonalGaussian:
        """The Gaussian of each row."""
        # The authors' clamp: without it early training can overflow exp(-log_var).
        return DiagonalGaussian(self.mean(h), F.hardtanh(self.log_var(h), -6.0, 2.0))


class ParameterHeads(nn.ModuleList):
    """h -> the parameters of a likelihood, one linear layer for each.

    Layers of their own, not one that is wider: gradients are normalised by tensor.
    """

    def __init__(self, inputs: int, shape: tuple[int, ...], params: int) -> None:
        super().__init__(nn.Linear(inputs, math.prod(shape)) for _ in range(params))
        self.shape = shape

    def forward(self, h: Float[Tensor, "K B I"]) -> Float[Tensor, "K B P *event"]:
        """All parameters of every element."""
        outputs = [head(h).unflatten(-1, self.shape) for head in self]
        # A stack copies; one output needs none.
        return outputs[0].unsqueeze(2) if len(outputs) == 1 else torch.stack(outputs, dim=2)


def gated_stack(inputs: int, hidden: list[int]) -> nn.Sequential:
    """GatedDense layers of the given widths, one after the other."""
    widths = [inputs, *hidden]
    return nn.Sequential(*(GatedDense(i, o) for i, o in pairwise(widths)))


def initialise_linear(module: nn.Module, init: Init) -> None:
    """Draw the weights of every Linear below `module`; biases keep torch's own draw.

    "he" is N(0, 2 / fan_in), as the authors' published code does; "glorot" is
    N(0, 2 / (fan_in + fan_out)), as their paper says; "default" leaves torch's.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Linear) and init != "default":
            fan_out, fan_in = layer.weight.shape
            fan = fan_in if init == "he" else fan_in + fan_out
            nn.init.normal_(layer.weight, std=math.sqrt(2 / fan))
