"""Small MLPs for vectors, as synthetic data of one or two latent dimensions need them."""

from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vaelab.architecture.base import Architecture, Decoder, Encoder
from vaelab.errors import UserError
from vaelab.likelihood.base import Likelihood, ObservationModel
from vaelab.posterior import GaussianPosterior, Latents
from vaelab.traits import Trait

Activation = Literal["leaky_relu", "relu", "tanh"]
Output = Literal["identity", "cube"]

# Of the posterior's log-variance. Noise of variance 1e-6 behind a slope of 100 asks for -23; a
# sample with a deviation of exp(-12), 6e-6, still has fifty float32 steps near 1, and one with less
# would be its mean. Above 4, 7 deviations of the prior, no posterior is better than the prior.
LOG_VAR = (-24.0, 4.0)


class VectorMlpEncoder(Encoder):
    """x -> N(z; mean, exp(log_var)), log_var within LOG_VAR; one head, for it is one kernel."""

    def __init__(
        self, dim: int, hidden: list[int], latent_dim: int, activation: Activation
    ) -> None:
        super().__init__()
        self.network = mlp([dim, *hidden, 2 * latent_dim], activation)

    def forward(self, x: Float[Tensor, "B D"]) -> GaussianPosterior:
        """The posterior of a batch."""
        mean, log_var = self.network(x).chunk(2, dim=-1)
        return GaussianPosterior(mean, F.hardtanh(log_var, *LOG_VAR))


class VectorMlpDecoder(Decoder):
    """z -> p(x|z), every parameter of the likelihood from one head."""

    def __init__(
        self,
        dim: int,
        hidden: list[int],
        latent_dim: int,
        activation: Activation,
        output: Output,
        triangular: bool,
        likelihood: Likelihood,
    ) -> None:
        super().__init__()
        self.likelihood = likelihood
        self.params = (likelihood.num_params, dim)
        last = LowerTriangular if triangular else nn.Linear
        self.network = mlp([latent_dim, *hidden, likelihood.num_params * dim], activation, last)
        self.output = output

    def forward(self, z: Latents) -> ObservationModel:
        """p(x|z) with batch [K, B]."""
        params = self.network(z[0]).unflatten(-1, self.params)
        if self.output == "cube":
            # The first parameter is the mean; a predicted scale keeps its own units.
            mean, others = params[..., :1, :].pow(3), params[..., 1:, :]
            params = mean if self.params[0] == 1 else torch.cat([mean, others], dim=-2)
        return self.likelihood(params)


class VectorMlp(Architecture):
    """MLPs without gates, one latent level, vectors only.

    Args:
        shape: (D,).
        likelihood: what the decoder's outputs parameterise.
        latent_dim: dimension of z.
        hidden: widths of the decoder's hidden layers; none: it is linear.
        encoder_hidden: the same of the encoder.
        activation: of all hidden layers; the slope of leaky_relu is 0.1.
        output: "cube" raises the decoder's mean to the third power, element by element.
        triangular: whether only the lower triangle of the decoder's last weights is used, as of a
            Cholesky factor; its codes then cannot be turned.
    """

    offers = frozenset({Trait.LOCAL_POSTERIOR, Trait.ENCODER, Trait.TOP_POSTERIOR})
    needs = frozenset({Trait.VECTOR})

    def __init__(
        self,
        shape: tuple[int, ...],
        likelihood: Likelihood,
        latent_dim: int,
        hidden: list[int],
        encoder_hidden: list[int],
        activation: Activation,
        output: Output,
        triangular: bool,
    ) -> None:
        if latent_dim < 1:
            raise UserError(f"architecture.latent_dim={latent_dim}: must be at least 1")
        for name, widths in (("hidden", hidden), ("encoder_hidden", encoder_hidden)):
            if min(widths, default=1) < 1:
                raise UserError(
                    f"architecture.{name}={widths}: needs whole numbers of at least 1, or none"
                )
        (dim,) = shape
        self.latent_dims = (latent_dim,)
        self.encoder = VectorMlpEncoder(dim, encoder_hidden, latent_dim, activation)
        self.decoder = VectorMlpDecoder(
            dim, hidden, latent_dim, activation, output, triangular, likelihood
        )


class LowerTriangular(nn.Linear):
    """L h + b, with L the lower triangle of the weights."""

    def forward(self, input: Tensor) -> Tensor:
        """The layer's output."""
        return F.linear(input, self.weight.tril(), self.bias)


def mlp(
    widths: list[int], activation: Activation, last: type[nn.Linear] = nn.Linear
) -> nn.Sequential:
    """Linear layers from width to width, an activation between two."""
    made = {"leaky_relu": nn.LeakyReLU(0.1), "relu": nn.ReLU(), "tanh": nn.Tanh()}[activation]
    *inner, outer = pairwise(widths)
    hidden = [part for i, o in inner for part in (nn.Linear(i, o), made)]
    return nn.Sequential(*hidden, last(*outer))
