"""Which figures a run gets, and that drawing them leaves nothing behind."""

from types import SimpleNamespace

import matplotlib
import pytest
import torch
from matplotlib.image import imread

from tests.architecture.published import architecture
from vaelab.architecture.mlp import Mlp
from vaelab.dataset.base import Binarised, Split, Splits
from vaelab.likelihood.bernoulli import Bernoulli
from vaelab.likelihood.gaussian import Gaussian
from vaelab.model import VAE
from vaelab.prior.standard import Standard
from vaelab.prior.vamp import Vamp
from vaelab.reporting import clouds
from vaelab.reporting.plot import draw_figures

EVERY = {"curves.png", "log_likelihood.png", "latents.png", "samples.png"}
ROWS = [{"epoch": e, "train/elbo": -9.0 / e, "val/elbo": -10.0 / e} for e in (1, 2, 3)]


def model(shape, likelihood, components=None, latent_dim=3):
    torch.manual_seed(0)
    parts = Mlp(shape, likelihood, latent_dim, [8], "he")
    data = SimpleNamespace(offers=frozenset(), pseudo_inputs=(0.5, 0.3))
    prior = Standard(latent_dim)
    if components:
        prior = Vamp(shape, data, components, "noise", None, None, True)
    return VAE(parts.encoder, parts.decoder, prior)


def draw(vae, split, folder, rows=ROWS):
    splits = Splits(split, split, split)
    return draw_figures(vae, lambda batch: vae.encoder(batch.x), splits, rows, folder, 1, epoch=3)


def size(path):
    return imread(path).shape


def images(shape=(1, 8, 8)):
    x = torch.randint(0, 256, (30, *shape), dtype=torch.uint8)
    return Split(x, Binarised(255.0))


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 6)])
def test_images_with_pseudo_inputs(tmp_path, shape):
    drawn = draw(model(shape, Bernoulli(None), 5), images(shape), tmp_path / "figures")
    names = {path.name for path in drawn}
    assert names == EVERY | {"reconstructions.png", "pseudo_inputs.png", "components.png"}
    assert all(path.parent == tmp_path / "figures" and path.is_file() for path in drawn)


@pytest.mark.parametrize(("option", "level"), [("hvae", "top"), ("tanh_hvae", "lower")])
def test_latents_are_of_the_level_drawn_first_and_so_are_the_prior_s(
    tmp_path, monkeypatch, option, level
):
    torch.manual_seed(0)
    built = architecture(option, (1, 8, 8), latent_dims=[4, 3], width=6, hidden=[5])
    vae = VAE(built.encoder, built.decoder, Standard(4))
    shown = []
    monkeypatch.setattr(clouds, "latents", lambda *given: shown.append(given) or given[2])
    draw(vae, images(), tmp_path)
    ((means, prior, _, heading),) = shown
    dim = 4 if level == "top" else 3
    assert (means.shape, prior.shape) == ((30, dim), (1000, dim))
    assert f"the {level} level" in heading.what
    with torch.no_grad():
        z2 = torch.randn(1, 100_000, 4)
        lower = vae.decoder.lower((z2,)).rsample(1)[0, 0]
    spread = lower.std(0) if level == "lower" else torch.ones(4)
    torch.testing.assert_close(prior.std(0), spread, rtol=0.15, atol=0)


def test_without_rows_or_pseudo_inputs(tmp_path):
    drawn = draw(model((1, 8, 8), Bernoulli(None)), images(), tmp_path, rows=[])
    assert {path.name for path in drawn} == EVERY - {"curves.png"} | {"reconstructions.png"}


@pytest.mark.parametrize(("shape", "latent_dim"), [((1,), 1), ((2,), 2), ((5,), 3)])
def test_vectors_get_points(tmp_path, shape, latent_dim):
    vae = model(shape, Gaussian(1.0), latent_dim=latent_dim)
    drawn = draw(vae, Split(torch.randn(30, *shape)), tmp_path)
    assert {path.name for path in drawn} == (EVERY if latent_dim > 1 else EVERY - {"latents.png"})


def test_an_autoregressive_decoder_shows_draws_alone(tmp_path):
    vae = model((1, 8, 8), Bernoulli(None))
    vae.decoder.autoregressive = True
    drawn = {path.name: size(path) for path in draw(vae, images(), tmp_path, rows=[])}
    height, width, _ = drawn["samples.png"]
    assert width < height  # two grids beside each other would be wider than high


def test_same_seed_same_pictures_and_nothing_left_behind(tmp_path):
    vae, split = model((1, 8, 8), Bernoulli(None), 5), images()
    settings = dict(matplotlib.rcParams)
    torch.manual_seed(7)
    expected = torch.rand(2)
    torch.manual_seed(7)
    first = draw(vae, split, tmp_path / "a", rows=[])
    assert torch.equal(torch.rand(2), expected)
    second = draw(vae, split, tmp_path / "b", rows=[])
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes()
    assert vae.training
    assert dict(matplotlib.rcParams) == settings
