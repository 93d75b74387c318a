"""The lemniscate: where it goes, and its density by a plain sum."""

import math

import torch
from known_models import known, on_a_line


def test_the_middle_and_both_ends_meet_at_the_crossing():
    model = known("figure8")
    z = torch.tensor([[0.0], [-9.0], [9.0]], dtype=torch.float64)
    middle, start, end = model.decode(z)
    assert float(middle.abs().max()) < 1e-15
    # u = 0.6 pi and 2.4 pi: cos = -sin 0.1 pi and sin 0.1 pi, sin = cos 0.1 pi in both.
    sine, cosine = math.sin(0.1 * math.pi), math.cos(0.1 * math.pi)
    scale = 1 / (cosine**2 + 1)
    corner = torch.tensor([sine / math.sqrt(2), math.sqrt(2) * sine * cosine]) * scale
    torch.testing.assert_close(start.float(), -corner.float())
    torch.testing.assert_close(end.float(), corner.float())


def test_every_place_is_on_the_lemniscate():
    """(x^2 + y^2)^2 = (x^2 - y^2) / 2 of x, and y twice as large as the curve's: y -> y / 2."""
    z = torch.linspace(-4, 4, 101, dtype=torch.float64)[:, None]
    x, y = known("figure8").decode(z).unbind(1)
    square = x.square() + (y / 2).square()
    torch.testing.assert_close(square.square(), (x.square() - (y / 2).square()) / 2)


def test_the_likelihood_is_a_plain_sum_over_z():
    model = known("figure8")
    far = torch.tensor([[0.0, 0.0], [1.2, 0.1], [-3.0, 2.0]], dtype=torch.float64)
    x = torch.cat([model.load().test.x[:5].double(), far])
    torch.testing.assert_close(model.log_marginal(x), on_a_line(model, x), rtol=0, atol=1e-7)
