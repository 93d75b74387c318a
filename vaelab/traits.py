"""What components offer and need of each other, in words a user can read."""

from enum import Enum


class Trait(Enum):
    """A property one component offers and another may need; the value completes "it needs ..."."""

    IMAGE = "image data (channels, height, width)"
    VECTOR = "vector data (one axis)"
    TOKENS = "token data (sentences)"
    BINARY = "data that are 0 or 1"
    UNIT_INTERVAL = "data in [0, 1]"
    FIXED = "training data that do not change between epochs"
    LOCAL_POSTERIOR = "a posterior made only of per-example numbers (one latent level)"
    ANALYTIC_KL = "a prior with a closed-form KL divergence"
    ENCODER = "an architecture with an encoder"
