"""Which figures a run gets, and that drawing them leaves nothing behind."""

from types import SimpleNamespace

import matplotlib
import pytest
import torch
from matplotlib.image import imread

from tests.architecture.published import architecture
from tests.architecture.texts import small
from vaelab.architecture.mlp import Mlp
from vaelab.dataset.base import Binarised, Split, Splits
from vaelab.dataset.tokens import token_split
from vaelab.dataset.vocabulary import BOS, EOS, Vocabulary
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


WORDS = Vocabulary(["a", "b", "c", "d", "e", "f", "g"])


def sentences():
    draws = torch.Generator().manual_seed(3)
    rows = torch.randint(4, 11, (50, 6), generator=draws).tolist()
    return token_split([[BOS, *row[: 1 + n % 6], EOS] for n, row in enumerate(rows)], WORDS, 12)


def test_sentences_get_files_of_text(tmp_path):
    built = small("lstm", scale=1.5)
    split, vae = sentences(), VAE(built.encoder, built.decoder, Standard(2)).double()
    drawn = draw(vae, split, tmp_path)
    names = {path.name for path in drawn}
    assert names == EVERY - {"samples.png"} | {"samples.txt", "reconstructions.txt"}
    lines = (tmp_path / "samples.txt").read_text().splitlines()
    assert lines[0] == "# 36 sentences, z from the prior, decoded greedily"
    assert lines[1].endswith("epoch 3")
    assert len(lines) == 3 + 36
    assert len(set(lines[3:])) > 3
    known = {f"original        {WORDS.text(row)}" for row in split.x.tolist()}
    back = (tmp_path / "reconstructions.txt").read_text().splitlines()
    assert len([line for line in back if line.startswith("[test ")]) == 36
    assert {line for line in back if line.startswith("original")} <= known


def test_without_a_latent_nothing_is_shown_of_one(tmp_path):
    built = small("lstm_lm", scale=1.5)
    vae = VAE(built.encoder, built.decoder, Standard(0)).double()
    drawn = draw(vae, sentences(), tmp_path / "text")
    assert {path.name for path in drawn} == {"curves.png", "log_likelihood.png", "samples.txt"}
    lines = (tmp_path / "text" / "samples.txt").read_text().splitlines()
    assert lines[0] == "# 36 sentences, drawn from the model"
    assert len(set(lines[3:])) > 20
    built = architecture("pixelcnn", (1, 6, 6), channels=4, kernels=[3, 3])
    drawn = draw(VAE(built.encoder, built.decoder, Standard(0)), images((1, 6, 6)), tmp_path)
    assert {path.name for path in drawn} == {"curves.png", "log_likelihood.png", "samples.png"}


def test_without_a_latent_likelihoods_are_of_more_examples_from_one_sample(tmp_path, monkeypatch):
    built = small("lstm_lm", scale=1.5)
    vae = VAE(built.encoder, built.decoder, Standard(0)).double()
    shown = []
    monkeypatch.setattr(clouds, "log_likelihoods", lambda *a: shown.append(a) or a[1])
    draw(vae, sentences(), tmp_path)
    ((values, _, heading),) = shown
    assert heading.about.endswith("50 test examples, exact")
    index = torch.arange(50)
    with torch.no_grad():
        exact = vae.eval().decoder((torch.zeros(1, 50, 0),)).log_prob(sentences()[index])[0]
    torch.testing.assert_close(values.sort().values, exact.sort().values)
