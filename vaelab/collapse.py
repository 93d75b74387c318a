"""When a posterior has collapsed onto the prior, as warnings in training and reports say it."""

KL = 0.1  # nats below which z says next to nothing of x
GRACE = 3  # epochs to wait; at the very start every posterior looks collapsed


def collapsed(kl: float, au: float) -> bool:
    """Whether no unit is active, or the KL divergence (nats an example) is next to nothing."""
    return au == 0 or kl < KL
