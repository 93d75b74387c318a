"""The mean on a grid: against a closed form, and all of the grid against the part that matters."""

import pytest
import torch
from torch.distributions import Normal

from vaelab.watch.grid_mean import grid_mean

GRID = -20 + 0.1 * torch.arange(400, dtype=torch.float64)


def counted(log_joint):
    """The same function, and a list of how many points it was asked for."""
    asked = []

    def counting(z):
        asked.append(z.numel())
        return log_joint(z)

    return counting, asked


def two_bumps(z):
    """Of three x: a narrow bump, two far apart of unequal weight, the prior itself."""
    narrow = Normal(3.24, 0.3).log_prob(z[:, 0])
    far = torch.logaddexp(
        Normal(-6.0, 0.5).log_prob(z[:, 1]) - 1.0, Normal(7.0, 1.0).log_prob(z[:, 1])
    )
    return torch.stack([narrow, far, Normal(0.0, 1.0).log_prob(z[:, 2])], 1) - 70.0


@pytest.mark.parametrize("coarse", [1, 3, 10])
def test_means_of_gaussians_and_of_a_mixture(coarse):
    share = 1 / (1 + torch.tensor(-1.0, dtype=torch.float64).exp())
    exact = [3.24, float(share * 7.0 + (1 - share) * -6.0), 0.0]
    found = grid_mean(two_bumps, GRID, coarse, 3)
    assert found.dtype == torch.float64
    assert found.tolist() == pytest.approx(exact, abs=1e-6)


def test_most_of_the_grid_is_not_looked_at():
    log_joint, asked = counted(two_bumps)
    grid_mean(log_joint, GRID, 1, 3)
    assert asked == [3 * 400]
    log_joint, asked = counted(two_bumps)
    grid_mean(log_joint, GRID, 10, 3)
    assert sum(asked) < 0.6 * 3 * 400


def test_a_density_at_the_end_of_the_grid():
    """Half of it is there: the naive sum over all points is the answer."""

    def beyond(z):
        return Normal(19.9, 0.8).log_prob(z)

    weights = beyond(GRID).softmax(0)
    naive = float((weights * GRID).sum())
    assert grid_mean(beyond, GRID, 10, 1).tolist() == pytest.approx([naive], abs=1e-6)
