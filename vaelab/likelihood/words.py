"""Log-probabilities of words where PAD is none, without a copy of the logits that leaves it out."""

from typing import Any

import torch
from jaxtyping import Float, Integer
from torch import Tensor

from vaelab.dataset.vocabulary import PAD

CACHED = 1 << 18  # logits that a CPU keeps at hand from one pass over them to the next


def word_log_probs(logits: Float[Tensor, "*n V"], x: Integer[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """Log softmax of the logits of all tokens but PAD, at x; anything finite where x is PAD.

    Exact whatever PAD's logit is. It may be differentiated twice.
    """
    return _Words.apply(logits.flatten(0, -2), x.flatten())[0].view(x.shape)  # pyright: ignore


class _Words(torch.autograd.Function):
    # Of the same formula autograd would make a copy of the logits without PAD, and fill a tensor
    # of their size with zeros for the gradient of the words that were chosen.

    @staticmethod
    def forward(ctx: Any, logits: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:  # pyright: ignore
        free = logits[:, PAD + 1 :]
        total = torch.cat([part.logsumexp(-1) for part in free.split(_rows(logits))])
        ctx.save_for_backward(logits, x, total)
        # The total is an output for second derivatives to know that it depends on the logits.
        return logits.gather(-1, x[:, None])[:, 0] - total, total

    @staticmethod
    def backward(ctx: Any, g: Tensor, h: Tensor) -> tuple[Tensor, None]:  # pyright: ignore
        # g onehot(x) + (h - g) softmax
        logits, x, total = ctx.saved_tensors
        index, total, g, h = (one[:, None] for one in (x, total, g, h))
        if torch.is_grad_enabled():  # to be differentiated again, which nothing in place can be
            free = logits - total
            free[:, PAD] = -torch.inf
            return (free.exp() * (h - g)).scatter_add(-1, index, g), None
        found = torch.empty_like(logits)
        each = (one.split(_rows(logits)) for one in (found, logits, total, h - g))
        for out, part, normaliser, factor in zip(*each, strict=True):
            torch.sub(part, normaliser, out=out)
            out[:, PAD] = -torch.inf
            out.exp_().mul_(factor)
        return found.scatter_add_(-1, index, g), None


def _rows(logits: Tensor) -> int:
    """How many rows to take at once."""
    if logits.device.type != "cpu":
        return max(1, len(logits))
    return max(1, CACHED // logits.shape[-1])
