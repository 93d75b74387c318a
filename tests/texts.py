"""A small text run: sentences whose words say which half they are from, and a tiny LSTM."""

import torch

from vaelab.composing.compose import Composer
from vaelab.composing.validate import validate
from vaelab.dataset.base import Splits
from vaelab.dataset.tokens import TokenSplit, padded
from vaelab.dataset.vocabulary import BOS, EOS, Vocabulary
from vaelab.sweeps.plan import container

WORDS = 20
SMALL = (
    "dataset=synthetic_text", f"dataset.vocabulary={WORDS}", "dataset.length=6",
    "dataset.num_train=90", "dataset.num_valid=50", "dataset.num_test=40",
    "architecture=lstm", "architecture.latent_dim=2", "architecture.embedding=8",
    "architecture.hidden=[12,12]", "batch_size=8", "epochs=2", "lightning=cpu",
    "evaluation.autoregressive_samples=4", "evaluation.autoregressive_examples=20",
)  # fmt: skip


def text_config(*overrides: str) -> dict:
    """The validated config of a small run on sentences."""
    return validate(container(Composer().cells([*SMALL, *overrides])[0]))


def sentences(count: int = 90, seed: int = 3) -> TokenSplit:
    """Lengths 2 to 6; the words are all of one half of the vocabulary."""
    draw = torch.Generator().manual_seed(seed)
    rows = []
    for _ in range(count):
        length = int(torch.randint(2, 7, (), generator=draw))
        half = int(torch.randint(2, (), generator=draw)) * (WORDS // 2)
        words = torch.randint(WORDS // 2, (length,), generator=draw) + 4 + half
        rows.append([BOS, *words.tolist(), EOS])
    vocabulary = Vocabulary([f"w{number}" for number in range(WORDS)])
    lengths = torch.tensor([len(row) for row in rows])
    flat = torch.tensor([number for row in rows for number in row], dtype=torch.int32)
    return padded(flat, lengths, vocabulary, 8)


def text_splits() -> Splits:
    """90 / 50 / 40 sentences of five lengths."""
    return Splits(sentences(90, 3), sentences(50, 4), sentences(40, 5))
