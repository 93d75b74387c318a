"""Adam, fused, against torch's plain loop."""

import pytest
import torch
from torch import nn, optim
from torch.testing import assert_close

from vaelab.optimizer.adam import Adam


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_it_is_torchs_adam(weight_decay, dtype):
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(4, 5, generator=generator, dtype=dtype)
    ours, theirs = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    mine = Adam([ours], 0.01, (0.8, 0.99), 1e-4, weight_decay)
    reference = optim.Adam(
        [theirs],
        lr=0.01,
        betas=(0.8, 0.99),
        eps=1e-4,
        weight_decay=weight_decay,
        fused=False,
        foreach=False,
    )
    for _ in range(20):
        gradient = torch.randn(4, 5, generator=generator, dtype=dtype)
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        mine.step()
        reference.step()
    assert_close(ours, theirs, rtol=0, atol=1e-6 if dtype == torch.float32 else 1e-14)
    assert float((ours - start).detach().abs().min()) > 1e-3
