"""How networks stand during inner passes, and that they stand as before afterwards."""

import pytest
import torch
from torch import nn

from tests.refine.models import lstm, mlp, pixelcnn
from vaelab.refine.modes import inner_passes, statistics

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("model", "training", "twice", "allowed"),
    [
        (lstm, True, False, True),  # its first gradients are cuDNN's in training mode
        (lstm, False, False, False),  # which it refuses in evaluation mode
        (lstm, True, True, False),  # and twice in either
        (pixelcnn, False, True, True),  # convolutions it differentiates always
        (mlp, False, True, True),
    ],
)
def test_cudnn_is_left_where_it_refuses(model, training, twice, allowed):
    decoder = model()[0].train(training).decoder
    before = torch.backends.cudnn.enabled
    with inner_passes(decoder, CPU, statistics(decoder), twice=twice):
        assert torch.backends.cudnn.enabled == (allowed and before)
        assert not torch.backends.cudnn.allow_tf32
    assert torch.backends.cudnn.enabled == before


def test_no_autocast_inside():
    decoder = mlp()[0].decoder
    with (
        torch.autocast("cpu", torch.bfloat16),
        inner_passes(decoder, CPU, statistics(decoder), twice=False),
    ):
        assert not torch.is_autocast_enabled("cpu")


def test_all_is_as_it_was_after_an_error():
    decoder = pixelcnn()[0].decoder
    norms = [m for m in decoder.modules() if isinstance(m, nn.BatchNorm2d)]
    norms[0].eval()  # one that somebody froze stays so
    means = [norm.running_mean for norm in norms]

    def fails():
        with inner_passes(decoder, CPU, statistics(decoder), twice=False):
            assert not any(norm.training for norm in norms)
            assert norms[1].running_mean is not means[1]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert [norm.training for norm in norms] == [False] + [True] * (len(norms) - 1)
    assert all(norm.running_mean is mean for norm, mean in zip(norms, means, strict=True))
