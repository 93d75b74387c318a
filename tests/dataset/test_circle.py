"""The circle: where it goes, and its Bessel function against a plain sum."""

import torch
from known_models import known, on_a_line

from vaelab.dataset.quadrature import Curve


def test_a_quarter_of_the_prior_is_a_quarter_of_the_circle():
    z = torch.distributions.Normal(0, 1).icdf(torch.tensor([[0.25], [0.5], [0.75]]).double())
    expected = torch.tensor([[0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]], dtype=torch.float64)
    torch.testing.assert_close(known("circle").decode(z), expected, rtol=0, atol=1e-7)


def test_the_closed_form_is_a_plain_sum_over_z_and_the_quadrature():
    model = known("circle")
    far = torch.tensor([[0.0, 0.0], [2.5, 0.1], [0.3, -0.3]], dtype=torch.float64)
    x = torch.cat([model.load().test.x[:5].double(), far])
    exact = model.log_marginal(x)
    torch.testing.assert_close(exact, on_a_line(model, x), rtol=0, atol=1e-7)
    curve = Curve(model.decode, model.noise).log_density(x)
    torch.testing.assert_close(exact, curve, rtol=0, atol=1e-7)
