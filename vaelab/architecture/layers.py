"""Layers the VampPrior networks share (Tomczak & Welling, 1705.07120, section 2 of its code)."""

import math
from itertools import pairwise
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

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
