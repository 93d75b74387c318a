"""Where a process evaluates, and what is refused because of two settings together."""

import pytest
import torch
from small import config
from texts import text_config

from vaelab.architecture.layers import Init
from vaelab.architecture.mlp import Mlp
from vaelab.build import build, device
from vaelab.errors import UserError
from vaelab.likelihood.base import Likelihood


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


class Tied(Mlp):
    """Encoder and decoder share a layer."""

    def __init__(
        self,
        shape: tuple[int, ...],
        likelihood: Likelihood,
        latent_dim: int,
        hidden: list[int],
        init: Init,
    ) -> None:
        super().__init__(shape, likelihood, latent_dim, hidden, init)
        self.decoder.also = self.encoder.mean


@pytest.mark.parametrize("bound", ["piwae", "rws"])
def test_two_objectives_for_shared_parameters_are_refused(bound):
    settings = config(f"bound={bound}")
    settings["architecture"]["_target_"] = f"{__name__}.Tied"
    words = f"^bound={bound} gives .* architecture=mlp shares .* choose bound=iwae or bound=miwae$"
    with pytest.raises(UserError, match=words):
        build(settings)
    for other in ("elbo", "dreg"):  # one objective, or none in question
        build(settings | {"bound": config(f"bound={other}")["bound"]})


@pytest.mark.parametrize("of", ["dimension", "batch"])
def test_free_bits_of_a_whole_batch_are_refused_where_it_is_cut(of):
    words = ["bound.free_bits=0.5", "micro_batches=2"]
    with pytest.raises(UserError, match=r"^micro_batches=2 cannot be used with free bits of a"):
        build(config(*words, f"bound.free_bits_of={of}"))
    build(config(*words, "bound.free_bits_of=example"))
    build(config("micro_batches=2", f"bound.free_bits_of={of}"))


def test_compiling_an_lstm_is_refused():
    with pytest.raises(UserError, match=r"^compile=true cannot be used with architecture=lstm: "):
        build(text_config("compile=true"))
