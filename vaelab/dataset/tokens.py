"""Sentences as padded rows of token numbers, and batches of sentences of one length."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Integer
from torch import Tensor

from vaelab.dataset.base import Split
from vaelab.dataset.vocabulary import PAD, Vocabulary


def as_long(x: Tensor) -> Tensor:
    """Token numbers as embeddings and losses take them."""
    return x.long()


@dataclass(frozen=True, kw_only=True)
class TokenSplit(Split):
    """Sentences: `x` is int32 [N, T], each row BOS, words, EOS and PAD to the end.

    Indexing gives int64 [B, T'], cut to the longest sentence of the selection.

    Attributes:
        lengths: tokens of each row without padding, int64 [N], always on the CPU so that cutting
            never waits for a GPU.
        vocabulary: what the numbers mean.
    """

    lengths: Tensor
    vocabulary: Vocabulary

    def __getitem__(self, index: Integer[Tensor, "B"]) -> Integer[Tensor, "B T"]:
        longest = int(self.lengths[index.to("cpu")].max()) if len(index) else 0
        return self.read(self.x[index.to(self.x.device), :longest])

    def take(self, rows: Integer[Tensor, "M"]) -> "TokenSplit":
        """Some of the rows, in this order."""
        x, lengths = self.x[rows.to(self.x.device)], self.lengths[rows.to("cpu")]
        return replace(self, x=x, lengths=lengths)

    def batches(self, size: int) -> list[Integer[Tensor, "B"]]:
        """Rows by length, shortest first, cut into batches of at most `size` of equal length.

        No batch has padding; what a length leaves over is a smaller batch (the authors' code).
        """
        order = torch.argsort(self.lengths, stable=True)
        _, counts = self.lengths[order].unique_consecutive(return_counts=True)
        return [part for rows in order.split(counts.tolist()) for part in rows.split(size)]

    def predicted(self, index: Integer[Tensor, "B"]) -> Integer[Tensor, "B"]:
        """Tokens a model predicts of each row: the words and EOS, not BOS; on the CPU."""
        return self.lengths[index.to("cpu")] - 1


def token_split(sentences: list[list[int]], vocabulary: Vocabulary, width: int) -> TokenSplit:
    """Encoded sentences (BOS ... EOS) as a split.

    Rows have `width` tokens or as many as the longest sentence, whichever is more.
    """
    lengths = torch.tensor([len(one) for one in sentences], dtype=torch.int64)
    flat = torch.tensor([number for one in sentences for number in one], dtype=torch.int32)
    return padded(flat, lengths, vocabulary, width)


def padded(
    flat: Integer[Tensor, "S"], lengths: Integer[Tensor, "N"], vocabulary: Vocabulary, width: int
) -> TokenSplit:
    """`token_split` of sentences that lie one behind the other in `flat`."""
    width = max(width, int(lengths.max()) if len(lengths) else 0)
    x = torch.full((len(lengths), width), PAD, dtype=torch.int32)
    # The filled part of every row, row by row, is the sentences one behind the other.
    x[torch.arange(width) < lengths[:, None]] = flat.int()
    return TokenSplit(x=x, read=as_long, lengths=lengths.long(), vocabulary=vocabulary)
