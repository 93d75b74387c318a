"""Models of one and two latent dimensions whose log p(x) is summed on a grid, float64."""

import torch

from tests.laws.components import LinearDecoder
from vaelab.architecture.base import Decoder
from vaelab.architecture.mlp import Mlp
from vaelab.dataset.linear_gaussian import LinearGaussian
from vaelab.likelihood.gaussian import Gaussian
from vaelab.model import VAE
from vaelab.prior.standard import Standard

F64 = {"dtype": torch.float64}


def known(latent_dim, dim=4, sigma=0.5, count=40):
    """(decoder, its data) of dataset=linear_gaussian: the decoder is the truth."""
    data = LinearGaussian(dim, latent_dim, sigma, num_train=1, num_valid=1, num_test=count)
    return LinearDecoder(data.weight, data.mean, sigma), data


def closed_form(data, x):
    """log N(x; mu, W W' + sigma^2 I), by torch's own."""
    covariance = data.weight @ data.weight.T + data.sigma**2 * torch.eye(data.dim, **F64)
    return torch.distributions.MultivariateNormal(data.mean, covariance).log_prob(x.double())


class Bent(Decoder):
    """z -> N(f(z), scale^2 I_2) with a curve or a surface that is far from linear."""

    def __init__(self, latent_dim, scale):
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        self.weight = 2 * torch.randn(2, latent_dim, generator=generator, **F64)
        self.likelihood = Gaussian(scale)

    def forward(self, z):
        return self.likelihood(torch.sin(z[0] @ self.weight.T).unsqueeze(2))


def random_mlp(shape, likelihood, latent_dim):
    """A VAE of random weights, strong enough that its latent matters."""
    torch.manual_seed(5)
    parts = Mlp(shape, likelihood, latent_dim, [6], "he")
    with torch.no_grad():
        for parameter in parts.decoder.parameters():
            parameter.mul_(2)
    return VAE(parts.encoder, parts.decoder, Standard(latent_dim)).double().eval()
