"""vaelab: a lab bench for variational autoencoders and posterior collapse."""

__version__ = "0.1.0"
