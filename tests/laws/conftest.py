"""Laws draw many samples: each starts from the same seed, whatever ran before it."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)
