"""Where a process evaluates, by what is asked for and what there is."""

import pytest
import torch

from vaelab.build import device


@pytest.mark.parametrize(
    ("asked", "there", "place"),
    [
        ({"accelerator": "auto", "devices": "auto"}, True, "cuda:0"),
        ({"accelerator": "auto", "devices": "auto"}, False, "cpu"),
        ({"accelerator": "cpu", "devices": 1}, True, "cpu"),
        ({"accelerator": "gpu", "devices": 2}, True, "cuda:0"),
        ({"accelerator": "gpu", "devices": [3, 1]}, True, "cuda:3"),
        ({"accelerator": "gpu", "devices": "2,"}, True, "cuda:2"),
    ],
)
def test_the_first_gpu_that_is_asked_for(monkeypatch, asked, there, place):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert device({"lightning": asked}) == torch.device(place)
