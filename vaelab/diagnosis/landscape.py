"""The negative ELBO of one example over Gaussians of two dimensions, by sums over a grid of z."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vaelab.diagnosis.grid import LogJoint

LOG_2PI_E = math.log(2 * math.pi) + 1
SIDE, LEVELS = 41, 21  # means and log-variances along each axis of a search
PASSES = 4  # searches, each around what the one before has found
REACH = 5.0  # standard deviations of q that the grid must hold: beyond are 6e-7 of its mass
WIDEST = 2 * math.log(2.0)  # log-variance of the widest q that is searched


@dataclass(frozen=True)
class Gaussians:
    """Posteriors of one example, float64."""

    mean: Float[Tensor, "N 2"]
    log_var: Float[Tensor, "N 2"]


@dataclass(frozen=True)
class Landscape:
    """-ELBO of q = N(mean, diag exp(log_var)) in nats; no sampling, and so no noise.

    Attributes:
        places: of z along either axis, evenly spaced, float64.
        log_joint: log p(x, z) there, dimension 0 first.
    """

    places: Float[Tensor, "Z"]
    log_joint: Float[Tensor, "Z Z"]

    @classmethod
    @torch.no_grad()
    def of(
        cls, log_joint: LogJoint, extent: float, points: int, rows: int, like: Tensor
    ) -> "Landscape":
        """Of log p(x, z) for rows of z, in the square of half the side `extent` around 0.

        Args:
            log_joint: of one x.
            extent: half the square's side.
            points: along a side.
            rows: of z at a time.
            like: device and type of z.
        """
        places = torch.linspace(-extent, extent, points, dtype=torch.float64, device=like.device)
        z = torch.cartesian_prod(places, places).to(like.dtype).split(rows)
        values = torch.cat([log_joint(part).double() for part in z])
        return cls(places, values.unflatten(0, (points, points)))

    @property
    def step(self) -> float:
        """Between two places."""
        return float(self.places[1] - self.places[0])

    @property
    def log_px(self) -> float:
        """Log p(x), of the whole sum."""
        return float(self.log_joint.flatten().logsumexp(0)) + 2 * math.log(self.step)

    def weights(
        self, mean: Float[Tensor, "*n"], log_var: Float[Tensor, "*n"]
    ) -> Float[Tensor, "*n Z"]:
        """Of a Gaussian's mass at every place along one axis."""
        distance = (self.places - mean[..., None]).square()
        return (-0.5 * distance * (-log_var[..., None]).exp()).softmax(-1)

    def negative_elbo(self, q: Gaussians) -> Float[Tensor, "N"]:
        """Of N posteriors."""
        first, second = (self.weights(q.mean[:, d], q.log_var[:, d]) for d in (0, 1))
        expected = ((first @ self.log_joint) * second).sum(-1)
        return -expected - entropy(q.log_var)

    def surface(
        self, first: Float[Tensor, "M"], second: Float[Tensor, "P"], log_var: Float[Tensor, "2"]
    ) -> Float[Tensor, "M P"]:
        """-ELBO at all pairs of means, with one log-variance in each dimension."""
        rows = self.weights(first, log_var[0].expand_as(first))
        columns = self.weights(second, log_var[1].expand_as(second))
        return -(rows @ self.log_joint @ columns.T) - entropy(log_var)

    def best(self) -> Gaussians:
        """The best posterior, by a search over both means and both log-variances on grids."""
        bounds = torch.tensor(
            [[float(self.places[0]), float(self.places[-1])], [2 * math.log(self.step), WIDEST]]
        )
        centre = bounds.mean(1).expand(2, 2)  # of each dimension: mean, log-variance
        reach = (bounds[:, 1] - bounds[:, 0]) / 2
        for _ in range(PASSES):
            pairs = [self._pairs(one, reach, bounds) for one in centre]
            first, second = (self.weights(*one.T) for one in pairs)
            entropies = entropy(pairs[0][:, None, 1:]) + entropy(pairs[1][:, 1:])
            values = first @ self.log_joint @ second.T + entropies
            at = divmod(int(values.argmax()), len(pairs[1]))
            centre = torch.stack([one[n] for one, n in zip(pairs, at, strict=True)]).cpu()
            reach = 4 * reach / torch.tensor([SIDE - 1, LEVELS - 1])  # two cells on either side
        mean, log_var = centre.T.to(self.places).unsqueeze(1)
        return Gaussians(mean, log_var)

    def _pairs(
        self, centre: Float[Tensor, "2"], reach: Float[Tensor, "2"], bounds: Float[Tensor, "2 2"]
    ) -> Float[Tensor, "N 2"]:
        """All pairs of a mean and a log-variance around one, inside their bounds."""
        low = torch.maximum(centre - reach, bounds[:, 0]).tolist()
        high = torch.minimum(centre + reach, bounds[:, 1]).tolist()
        axes = (torch.linspace(low[n], high[n], count) for n, count in enumerate((SIDE, LEVELS)))
        return torch.cartesian_prod(*axes).to(self.places)

    def holds(self, q: Gaussians) -> bool:
        """Whether every posterior lies inside the grid, and is no narrower than its step."""
        spread = (0.5 * q.log_var).exp()
        inside = (q.mean.abs() + REACH * spread).max() <= self.places[-1]
        return bool(inside and spread.min() >= self.step)


def entropy(log_var: Float[Tensor, "*n D"]) -> Float[Tensor, "*n"]:
    """Of a Gaussian, nats."""
    return 0.5 * (LOG_2PI_E + log_var).sum(-1)
