"""The presets of the sets whose model is known: noise as it is, the true decoders, the updates."""

import pytest
import torch

from tests.laws.components import options
from vaelab.build import build
from vaelab.composing.compose import Composer
from vaelab.composing.validate import validate
from vaelab.dataset.known_model import KnownModel
from vaelab.sweeps.plan import container

PRESETS = [name[5:] for name in options("experiment") if name.startswith("mapa/")]
ALL = {"figure8", "circle", "abs", "clusters", "spiral_dots", "linear_jtex", "cubic_jtex"}
ALL |= {"gaussian4", "mobius", "saddle", "linear_gaussian"}
JTEX = {"linear_jtex", "cubic_jtex"}
PUBLISHED = JTEX | {"gaussian4", "mobius"}  # at the rate of 2003.07756, which is for longer
LINEAR = {"linear_jtex", "cubic_jtex", "gaussian4", "linear_gaussian"}


@pytest.fixture(scope="module")
def parts_of():
    """(config, parts) of a preset and other words; one composer, which remembers its files."""
    composer = Composer()

    def compose(name, *words):
        config = validate(container(composer.cells([f"experiment=mapa/{name}", *words])[0]))
        return config, build(config)

    return compose


def test_every_known_model_has_a_preset():
    assert set(PRESETS) == ALL


@pytest.mark.parametrize("name", PRESETS)
def test_noise_and_latents_are_the_true_models_and_updates_as_planned(parts_of, name):
    config, parts = parts_of(name)
    assert config["choices"]["dataset"] == name
    model = parts.dataset
    assert isinstance(model, KnownModel)
    assert parts.likelihood.scale**2 == pytest.approx(model.noise, rel=1e-5)
    assert parts.architecture.latent_dims == (model.latent_dim,)
    assert model.sizes[0] % config["batch_size"] == 0
    updates = 10_000 if name in PUBLISHED else 3000
    assert model.sizes[0] // config["batch_size"] * config["epochs"] == updates
    assert (config["patience"], config["select"]) == (None, "last")
    rate = 1e-2 if name in PUBLISHED | LINEAR else 2e-3
    assert {side["lr"] for side in config["optimizer"].values()} == {rate}
    assert config["beta"]["value"] == 1


@pytest.mark.parametrize("name", sorted(LINEAR))
def test_the_decoder_can_be_the_true_one(parts_of, name):
    form = ("architecture.triangular=true",) if name in JTEX else ()
    _, parts = parts_of(name, *form)
    model, decoder = parts.dataset, parts.architecture.decoder.double()
    (layer,) = decoder.network
    eye = torch.cat([torch.zeros(1, model.latent_dim), torch.eye(model.latent_dim)]).double()
    images = model.decode(eye)
    if name == "cubic_jtex":
        images = images.sign() * images.abs().pow(1 / 3)
    with torch.no_grad():
        layer.weight.copy_((images[1:] - images[0]).T)
        layer.bias.copy_(images[0])
    z = model.codes[0][:50]
    torch.testing.assert_close(decoder((z[None],)).mean[0], model.decode(z))


@pytest.mark.parametrize("trainer", ["joint", "aggressive", "mapa"])
def test_every_way_to_train_goes_with_them(parts_of, trainer):
    config, parts = parts_of("circle", f"trainer={trainer}")
    assert type(parts.trainer).__name__ == trainer.title()
    assert config["likelihood"]["scale"] == 0.1
