"""Small LSTMs over the laws' toy vocabulary of 11, and sentences of different lengths."""

import torch

from tests.laws.components import ToyData, build, scramble
from vaelab.dataset.vocabulary import Vocabulary
from vaelab.traits import Trait

SIZES = {
    "lstm": {"latent_dim": 2, "embedding": 3, "hidden": [5, 4]},
    "lstm_savae": {"latent_dim": 2, "embedding": 3, "hidden": [5, 4]},
    "lstm_lm": {"embedding": 3, "hidden": 4},
}


def vocabulary(tokens):
    """A data set whose vocabulary has so many tokens, the four specials included."""
    data = ToyData((12,), (Trait.TOKENS,))
    data.vocabulary = Vocabulary([str(number) for number in range(tokens - 4)])
    return data


def text_model(option="lstm", tokens=11, **settings):
    """An architecture as its YAML has it, but for these settings."""
    data = vocabulary(tokens)
    likelihood = build("likelihood", "categorical", {"dataset": data})
    provided = {"shape": data.shape, "likelihood": likelihood}
    return build("architecture", option, provided, **settings)


def small(option="lstm", tokens=11, scale=0.5, **settings):
    """One in float64, off its initial values, in evaluation mode."""
    torch.manual_seed(0)
    built = text_model(option, tokens, **{**SIZES[option], **settings})
    for module in (built.encoder, built.decoder):
        scramble(module.double().eval(), scale)
    return built
