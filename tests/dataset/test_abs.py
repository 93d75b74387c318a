"""The fold: two codes for every place, and its closed form against a plain sum."""

import torch
from known_models import known, on_a_line


def test_both_elements_are_the_absolute_value_whatever_the_sign():
    z = torch.tensor([[-1.5], [1.5], [0.25]], dtype=torch.float64)
    expected = torch.tensor([[1.5, 1.5], [1.5, 1.5], [0.25, 0.25]], dtype=torch.float64)
    assert torch.equal(known("abs").decode(z), expected)


def test_the_closed_form_is_a_plain_sum_over_z():
    model = known("abs")
    far = torch.tensor([[0.0, 0.0], [-0.3, -0.2], [4.0, 3.0], [-1.0, 1.0]], dtype=torch.float64)
    x = torch.cat([model.load().test.x[:5].double(), far])
    torch.testing.assert_close(
        model.log_marginal(x), on_a_line(model, x, 400_001), rtol=0, atol=1e-6
    )
