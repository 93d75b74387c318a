"""VAE with a VampPrior (Tomczak & Welling, 2018), 1705.07120, equation 9.

Where paper and authors' code differ we follow the code: pseudo-inputs are clamped to [0, 1] in
the forward pass (the gradient of an entry outside vanishes) and start from noise whose mean and
standard deviation depend on the data set.
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vaelab.dataset.base import Dataset, Split
from vaelab.dataset.vocabulary import PAD
from vaelab.distribution import GaussianMixture
from vaelab.errors import UserError
from vaelab.posterior import Posterior
from vaelab.prior.base import Prior
from vaelab.traits import Trait


class Vamp(Prior):
    """p(z) = 1/C sum_c q(z | u_c): a mixture of posteriors of C pseudo-inputs u.

    The encoder is run on all pseudo-inputs whenever the prior is built, and gradients flow through
    it. With `init="data"` and `trainable=False` this is the paper's "VampPrior data", the only
    form that sentences can have.

    Args:
        shape: event shape of the data.
        dataset: gives the initial noise where mean and std are null, and says whether data lie
            in [0, 1].
        components: C.
        init: "noise", or "data" for distinct training examples drawn by the run's seed
            (binarised once where the data set binarises).
        mean: mean of the initial noise; null: the data set's.
        std: its standard deviation; null: the data set's. With init=data, of noise added to
            the examples when given.
        trainable: whether u is learned.
    """

    needs = frozenset({Trait.ENCODER, Trait.TOP_POSTERIOR})

    def __init__(
        self,
        shape: tuple[int, ...],
        dataset: Dataset,
        components: int,
        init: Literal["noise", "data"],
        mean: float | None,
        std: float | None,
        trainable: bool,
    ) -> None:
        super().__init__()
        if components < 1:
            raise UserError(f"prior.components={components}: must be at least 1")
        if init == "data" and mean is not None:
            raise UserError(
                f"prior.mean={mean}: has no meaning with prior.init=data; leave it null"
            )
        if Trait.TOKENS in dataset.offers and (init == "noise" or trainable or std):
            raise UserError(
                f"prior.init={init} prior.trainable={str(trainable).lower()} cannot be used with "
                "token data (sentences): a pseudo-input between words is no sentence; choose "
                "prior=vamp_data, mog or standard"
            )
        self.encoder_rows = components
        self.init = init
        self.noise = std or 0.0
        self.unit_interval = bool(dataset.offers & {Trait.BINARY, Trait.UNIT_INTERVAL})
        default_mean, default_std = dataset.pseudo_inputs
        if Trait.TOKENS in dataset.offers:
            u = torch.full((components, *shape), PAD)
        else:
            u = torch.randn(components, *shape) * (default_std if std is None else std)
            u += default_mean if mean is None else mean
        self.u = nn.Parameter(u, requires_grad=trainable)

    def prepare(self, train: Split) -> None:
        """With init=data, take training examples, without replacement."""
        if self.init == "noise":
            return
        if len(train) < len(self.u):
            raise UserError(
                f"prior.components={len(self.u)}: the data set has only {len(train)} training "
                f"examples to start from; set prior.components={len(train)} or prior.init=noise"
            )
        rows = torch.randperm(len(train))[: len(self.u)].to(train.x.device)
        examples = train[rows].to(self.u.device)
        with torch.no_grad():
            if examples.is_floating_point():
                self.u.copy_(examples + self.noise * torch.randn_like(examples))
            else:
                self.u[:, : examples.shape[1]] = examples

    def forward(self, encoder: nn.Module) -> GaussianMixture:
        """The aggregate posterior of the pseudo-inputs."""
        posterior: Posterior = encoder(self.pseudo_inputs())
        q = posterior.first
        return GaussianMixture(q.mean, q.log_var)

    def pseudo_inputs(self) -> Float[Tensor, "C *event"]:
        """u, clamped to [0, 1] where the data lie there."""
        if not self.unit_interval:
            return self.u
        # The gradient vanishes outside, as in the authors' code, but not at 0 and 1 themselves
        # (torch.clamp's differs between versions there): binary examples must be able to move.
        outside = (self.u < 0) | (self.u > 1)
        return torch.where(outside, self.u.detach().clamp(0, 1), self.u)
