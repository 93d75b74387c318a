"""One sentence for each z of p(x|z): greedily, drawn, or by beam search; all sentences at once.

Lagging Inference Networks (He et al., 2019), 1901.05534, decodes so (its code: a beam of 5, 100
tokens). Rows are [BOS, words, EOS, PAD, ...], as data are; one that reached the limit has no EOS.
"""

import torch
from jaxtyping import Float, Integer
from torch import Tensor

from vaelab.dataset.vocabulary import BOS, EOS, PAD
from vaelab.errors import UserError
from vaelab.stepwise import Stepwise, draw, unroll

MAX_LENGTH = 100  # tokens, BOS and EOS included


def greedy(model: Stepwise, max_length: int = MAX_LENGTH) -> Integer[Tensor, "N T"]:
    """The likeliest token at every step."""
    return unroll(model, lambda log_probs: log_probs.argmax(-1), max_length)


def sampled(
    model: Stepwise, temperature: float = 1.0, max_length: int = MAX_LENGTH
) -> Integer[Tensor, "N T"]:
    """A draw from the model; of each token with p^(1 / temperature), normalised.

    Raises:
        UserError: the temperature is not above 0.
    """
    if temperature <= 0:
        raise UserError(f"temperature={temperature}: must be above 0")
    return unroll(model, lambda log_probs: draw(log_probs, temperature), max_length)


@torch.no_grad()
def beam(model: Stepwise, width: int = 5, max_length: int = MAX_LENGTH) -> Integer[Tensor, "N T"]:
    """The likeliest sentence that beam search finds, by log-probability without any correction.

    As in the authors' code a sentence that ends keeps its place, so that the beam of those that go
    on narrows; one that reached the limit is returned only where none has ended.

    Raises:
        UserError: the width is below 1.
    """
    if width < 1:
        raise UserError(f"width={width}: must be at least 1")
    state = tuple(one.repeat_interleave(width, dim=0) for one in model.start())
    rows = torch.arange(0, len(state[0]), width, device=state[0].device)[:, None]
    tokens = torch.full((len(rows), width, 1), BOS, device=rows.device)
    # The first step has one hypothesis a sentence; the others wait at -inf.
    score = state[0].new_full((len(rows), width), -torch.inf)
    score[:, 0] = 0.0
    ended = torch.zeros_like(score, dtype=torch.bool)
    while tokens.shape[-1] < max_length and not decided(score, ended):
        log_probs, state = model.step(tokens[:, :, -1].flatten(), state)
        each = score[..., None] + log_probs.unflatten(0, score.shape)
        # What has ended goes on with PAD alone, at no cost, and is chosen before all others.
        each = each.masked_fill(ended[..., None], -torch.inf)
        each[..., PAD] = score.masked_fill(~ended, -torch.inf)
        first = each.clone()
        first[..., PAD].masked_fill_(ended, torch.inf)
        chosen = first.flatten(1).topk(width).indices
        score = each.flatten(1).gather(1, chosen)
        origin = chosen // each.shape[-1]
        token = chosen % each.shape[-1]
        ended = ended.gather(1, origin) | (token == EOS) & score.isfinite()
        tokens = torch.cat([of(tokens, origin), token[..., None]], dim=-1)
        state = tuple(one[(rows + origin).flatten()] for one in state)
    best = torch.where(ended.any(1, keepdim=True) & ~ended, -torch.inf, score).argmax(1)
    return of(tokens, best[:, None])[:, 0]


def decided(score: Float[Tensor, "N W"], ended: Tensor) -> bool:
    """Whether nothing that goes on can still pass what has ended: scores only fall."""
    best_ended = score.masked_fill(~ended, -torch.inf).amax(1)
    best_open = score.masked_fill(ended, -torch.inf).amax(1)
    return bool((best_ended >= best_open).all())


def of(tokens: Integer[Tensor, "N W T"], hypothesis: Integer[Tensor, "N M"]) -> Tensor:
    """The tokens [N, M, T] of some hypotheses of each sentence."""
    return tokens.gather(1, hypothesis[..., None].expand(-1, -1, tokens.shape[-1]))
