"""log p(x) of validation data through training, of a model whose marginal is known."""

import math

import numpy as np
import pytest
import torch
from small import config, timeless, train
from torch.testing import assert_close

from tests.evaluation.grids import F64, closed_form, known
from tests.laws.components import LinearEncoder
from tests.test_resume import assert_same
from vaelab.assemble import load_splits
from vaelab.batch import Batch
from vaelab.build import build
from vaelab.checkpoint import read
from vaelab.dataset.base import Split
from vaelab.errors import UserError
from vaelab.model import VAE
from vaelab.prior.standard import Standard
from vaelab.progress import Progress
from vaelab.seeding import permutation
from vaelab.watch import records
from vaelab.watch.base import Watched
from vaelab.watch.log_likelihood import LogLikelihood

GIVEN = {
    "latent_dims": (1,), "points": (501, 81), "examples": None, "chunk": 1000, "updates": [0, 2],
    "every": None, "epochs": True,
}  # fmt: skip
RUN = [
    "dataset=linear_gaussian", "dataset.num_train=100", "dataset.num_valid=50",
    "dataset.latent_dim=1", "dataset.dim=3", "likelihood.scale=1", "architecture.latent_dim=1",
    "epochs=3",
]  # fmt: skip
WATCH = ["watch=log_likelihood", "watch.points=[101,21]"]


def watch(**settings):
    return LogLikelihood(**(GIVEN | settings))


def watched(latent_dim=1):
    decoder, data = known(latent_dim, count=80)
    zeros = torch.zeros(latent_dim, **F64)
    encoder = LinearEncoder(torch.zeros(latent_dim, data.dim, **F64), zeros, zeros)
    vae = VAE(encoder, decoder, Standard(latent_dim)).double().requires_grad_(False)
    x = data.load().test.x.double()
    of_train = Watched(
        vae=vae,
        posterior=lambda batch: vae.encoder(batch.x),
        rows=1,
        batch=lambda index: Batch(torch.full((1, data.dim), torch.nan), index),
        seed=3,
        valid=Split(x, read=lambda rows: rows),
        progress=Progress(encoder_passes=7, decoder_passes=11, seconds=1.5),
    )
    return of_train, data, x


@pytest.mark.parametrize("latent_dim", [1, 2])
def test_it_is_the_closed_form_of_the_validation_data(latent_dim):
    given, data, x = watched(latent_dim)
    seen = watch(latent_dims=(latent_dim,)).record(given)
    exact = closed_form(data, x)
    assert_close(seen["log_likelihood"], exact.mean(), rtol=0, atol=1e-8)
    assert_close(seen["se"], exact.std() / math.sqrt(80))
    assert float(seen["moved"]) < 1e-3
    assert [float(seen[name]) for name in ("encoder_passes", "decoder_passes", "seconds")] == [
        7, 11, 1.5,
    ]  # fmt: skip


def test_examples_are_the_seed_s():
    given, data, x = watched()
    seen = watch(examples=9).record(given)
    mine = x[permutation(80, 3, "log_likelihood")[:9]]
    assert_close(seen["log_likelihood"], closed_form(data, mine).mean(), rtol=0, atol=1e-8)


def test_a_grid_that_is_too_coarse_shows():
    given, *_ = watched()
    assert float(watch(points=(9, 5)).record(given)["moved"]) > 1e-3


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder, settings = tmp_path_factory.mktemp("whole"), config(*RUN, *WATCH)
    task = train(folder, settings, load_splits(settings, build(settings)))
    return folder, task, records.read(records.path_of(folder, "log_likelihood"))


def test_a_run_has_a_curve_against_what_it_took(whole):
    _, task, found = whole
    assert found["update"].tolist() == [0, 4, 8, 12]
    assert found["decoder_passes"].tolist() == [0, 100, 200, 300]
    assert found["encoder_passes"].tolist() == [0, 100, 200, 300]
    assert found["seconds"][0] == 0
    assert (np.diff(found["seconds"]) > 0).all()
    assert found["seconds"][-1] <= task.progress.seconds
    assert (np.diff(found["log_likelihood"]) > 0).all()


def test_its_end_is_the_likelihood_of_the_model_at_the_end(whole):
    _, task, found = whole
    task.vae.eval()
    z = torch.linspace(-8, 8, 2001)[:, None, None]
    with torch.no_grad():
        observed = task.vae.decoder((z,))
        log_px = torch.cat([observed.log_prob(one[None]) for one in task.splits.valid.x], dim=1)
    joint = log_px.double().exp() * (-0.5 * z[:, 0].double() ** 2).exp() / math.sqrt(2 * math.pi)
    exact = np.log(np.trapezoid(joint.numpy(), dx=16 / 2000, axis=0)).mean()
    assert found["log_likelihood"][-1] == pytest.approx(exact, abs=1e-5)


def test_training_is_bit_for_bit_what_it_is_without(whole, tmp_path):
    settings = config(*RUN)
    train(tmp_path, settings, load_splits(settings, build(settings)))
    one, other = (read(folder / "checkpoints/last.ckpt") for folder in (whole[0], tmp_path))
    for content in (one, other):
        timeless(content)
        content.pop("callbacks")
    assert_same(one, other)


def test_other_latents_priors_and_decoders_are_refused():
    words = r"^watch=log_likelihood: .* dimensions 3, .*set architecture\.latent_dim=1 or 2, or "
    with pytest.raises(UserError, match=words):
        build(config("watch=log_likelihood"))
    with pytest.raises(ValueError, match=r"dimensions 1, 1, "):
        watch(latent_dims=(1, 1))
    with pytest.raises(UserError, match=r"^watch=log_likelihood cannot be used with prior=mog"):
        build(config("watch=log_likelihood", "prior=mog", "architecture.latent_dim=2"))
    given, *_ = watched()
    given.vae.decoder.autoregressive = True
    with pytest.raises(UserError, match=r"^watch=log_likelihood: the decoder is autoregressive"):
        watch().record(given)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("examples", 1), ("chunk", 0), ("every", 0), ("updates", [-1]), ("points", (500, 81)),
     ("points", (501, 3))],
)  # fmt: skip
def test_impossible_settings_are_refused(setting, value):
    with pytest.raises(UserError, match=f"watch.{setting}="):
        watch(**{setting: value})
