"""The data sets whose model is known, by the name of their YAML, and likelihoods by brute force."""

import math
from importlib import import_module

import torch

NAMES = ("figure8", "circle", "abs", "clusters", "spiral_dots", "linear_jtex", "cubic_jtex")
NAMES += ("gaussian4", "mobius", "saddle", "linear_gaussian")


def known(name, **settings):
    """The data set of a YAML's name, with its class's own defaults."""
    module = import_module(f"vaelab.dataset.{name}")
    return getattr(module, name.title().replace("_", ""))(**settings)


def log_likelihood(model, x, z):
    """The log of N(x; decode(z), noise I) for one x and many z."""
    square = (x - model.decode(z)).square().sum(-1) / model.noise
    return -0.5 * (square + x.shape[-1] * math.log(2 * math.pi * model.noise))


def on_a_line(model, x, count=100_001):
    """The log of p(x) of every x, d = 1, by a plain sum over equal steps of z."""
    z = torch.linspace(-8, 8, count, dtype=torch.float64)
    log_prior = -0.5 * (z.square() + math.log(2 * math.pi)) + math.log(16 / (count - 1))
    return torch.stack(
        [(log_likelihood(model, one, z[:, None]) + log_prior).logsumexp(0) for one in x]
    )


def on_a_plane(model, x, centre, reach, count=500):
    """The log of p(x) of one x, d = 2, by a plain sum over a square of z."""
    unit = torch.linspace(-reach, reach, count, dtype=torch.float64)
    z = centre + torch.cartesian_prod(unit, unit)
    log_prior = -0.5 * z.square().sum(1) - math.log(2 * math.pi)
    area = 2 * math.log(2 * reach / (count - 1))
    return (log_likelihood(model, x, z) + log_prior).logsumexp(0) + area
