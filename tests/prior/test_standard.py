"""The standard normal prior."""

import torch
from torch import nn
from torch.distributions import Normal
from torch.testing import assert_close

from tests.laws.components import build


def test_it_is_torchs_standard_normal_and_has_nothing_to_train_or_save():
    prior = build("prior", "standard", {"latent_dim": 3})
    z = 3 * torch.randn(4, 5, 3, dtype=torch.float64)
    expected = Normal(0.0, 1.0).log_prob(z).sum(-1)
    assert_close(prior(nn.Identity()).log_prob(z), expected, rtol=0, atol=1e-12)
    assert list(prior.parameters()) == []
    assert prior.state_dict() == {}
