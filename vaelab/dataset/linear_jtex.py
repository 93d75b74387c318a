"""LinearJTEx, on which the best mean-field VAE of the true form is not the truth.

Confirmed: *Characterizing and Avoiding Problematic Global Optima of Variational Autoencoders*
(Yacoby et al., 2020), 2003.07756, appendices C and E. With a decoder that is a Cholesky factor a
mean-field VAE has its optimum at a mean log p(x) of -3.1328, however it is trained; the truth has
-2.97078. With a free linear decoder codes can be turned until posteriors are diagonal, and the
truth is an optimum too.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.dataset.known_model import KnownModel
from vaelab.dataset.normal_density import log_normal

MIXING = ((0.75, 0.25), (1.5, -1.0))  # A
SPREAD = 0.006  # B = SPREAD I


def factor() -> Float[Tensor, "2 2"]:
    """The lower-triangular Cholesky factor of A A' + B, float64."""
    mixing = torch.tensor(MIXING, dtype=torch.float64)
    spread = SPREAD * torch.eye(2, dtype=torch.float64)
    return torch.linalg.cholesky(mixing @ mixing.T + spread)


class LinearJtex(KnownModel):
    """A correlated plane normal: N(0, A A' + B + noise I)."""

    shape = (2,)
    latent_dim = 2

    def __init__(
        self,
        num_train: int = 500,
        num_valid: int = 500,
        num_test: int = 500,
        noise: float = 0.004,
        seed: int = 0,
    ) -> None:
        super().__init__((num_train, num_valid, num_test), noise, seed)

    def decode(self, z: Float[Tensor, "*B d"]) -> Float[Tensor, "*B D"]:
        """Chol(A A' + B) z."""
        return z @ factor().T

    def exact(self, x: Float[Tensor, "B D"]) -> Float[Tensor, "B"]:
        """The log of N(x; 0, A A' + B + noise I)."""
        covariance = factor() @ factor().T + self.noise * torch.eye(2, dtype=x.dtype)
        return log_normal(x, x.new_zeros(2), covariance)
