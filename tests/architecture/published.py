"""Architectures at their published size, for tests against the notes' tables."""

from tests.laws.components import ToyData, build
from vaelab.model import VAE
from vaelab.traits import Trait

MNIST, FREY, CIFAR = (1, 28, 28), (1, 28, 20), (3, 32, 32)
GREY = "discretized_logistic"


def architecture(option, shape=MNIST, likelihood="bernoulli", **settings):
    provided = {"shape": shape, "likelihood": build("likelihood", likelihood)}
    return build("architecture", option, provided, **settings)


def model(option, shape, likelihood, prior, components=0):
    built = architecture(option, shape, likelihood)
    data = ToyData(shape, (Trait.IMAGE, Trait.UNIT_INTERVAL))
    provided = {"shape": shape, "dataset": data, "latent_dim": built.latent_dims[0]}
    return VAE(built.encoder, built.decoder, build("prior", prior, provided, components=components))


def count(module):
    return sum(p.numel() for p in module.parameters())
