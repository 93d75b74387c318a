"""Seven dots on a spiral, steep between them, and the density by a plain sum."""

import math

import torch
from known_models import known, on_a_line


def test_the_radius_is_the_angle_and_stays_at_even_numbers():
    u = torch.tensor([[0.3], [2.0], [5.9], [12.0], [5.0]], dtype=torch.float64)
    decoded = known("spiral_dots").decode(torch.logit(u / (4 * math.pi)) * 2 / math.pi)
    t = torch.tensor([0.0, 2.0, 6.0, 12.0, 5.0], dtype=torch.float64)
    expected = torch.stack([t * t.cos(), t * t.sin()], 1)
    torch.testing.assert_close(decoded, expected, rtol=0, atol=1e-4)


def test_the_likelihood_is_a_plain_sum_over_z():
    model = known("spiral_dots")
    far = torch.tensor([[0.0, 3.0], [14.0, -9.0]], dtype=torch.float64)
    x = torch.cat([model.load().test.x[:6].double(), far])
    torch.testing.assert_close(model.log_marginal(x), on_a_line(model, x), rtol=0, atol=1e-5)
