"""Four plateaus of the angle, and the density by a plain sum."""

import math

import torch
from known_models import known, on_a_line


def z_of(u):
    """z at which 2 pi sigmoid(pi z / 2) is u."""
    return torch.logit(torch.tensor(u, dtype=torch.float64)[:, None] / (2 * math.pi)) * 2 / math.pi


def test_the_angle_stays_at_four_places_and_is_between_them_halfway():
    decoded = known("clusters").decode(z_of([0.3, 2.0, 4.0, 5.9, 1.0, 3.0, 5.0]))
    angle = torch.tensor([0.0, 4.0, 8.0, 12.0, 2.0, 6.0, 10.0], dtype=torch.float64)
    expected = torch.stack([angle.cos(), angle.sin()], 1)
    torch.testing.assert_close(decoded, expected, rtol=0, atol=1e-5)


def test_the_likelihood_is_a_plain_sum_over_z():
    for noise in (0.2, 0.002):
        model = known("clusters", noise=noise)
        far = torch.tensor([[0.0, 0.0], [1.5, -1.5]], dtype=torch.float64)
        x = torch.cat([model.load().test.x[:5].double(), far])
        torch.testing.assert_close(model.log_marginal(x), on_a_line(model, x), rtol=0, atol=1e-6)
