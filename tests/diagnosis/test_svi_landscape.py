"""Paths of refinement over known landscapes: what the files and the picture say, who is refused."""

import json

import numpy as np
import pytest
import torch

from tests.diagnosis.subjects import Known, no_bar
from tests.evaluation.linear_gaussian import LinearGaussian
from vaelab.diagnosis.svi_landscape import SviLandscape
from vaelab.errors import UserError
from vaelab.posterior import GaussianPosterior
from vaelab.refine.refinement import refined
from vaelab.refine.settings import Settings

STEPS = Settings(6, 0.1, 0.5, None, "none", "per_example", 0.01)
BATCH = 10


class Run(Known):
    """One whose posterior is the encoder's, or is refined from it or from N(0, I)."""

    def __init__(self, label, model, start=None):
        super().__init__(label, model)
        object.__setattr__(self, "start", start)
        object.__setattr__(self, "drawn", [])

    def load(self, epoch=None):
        loaded = super().load(epoch)
        object.__setattr__(loaded, "config", {"batch_size": BATCH})
        object.__setattr__(loaded, "posterior", self.posterior if self.start else loaded.posterior)
        return loaded

    def posterior(self, batch):
        vae, zeros = self.model.vae, torch.zeros(len(batch.x), 2, dtype=torch.float64)
        start = {"encoder": vae.encoder(batch.x), "zeros": GaussianPosterior(zeros, zeros)}
        q = refined(STEPS, vae, batch.x, start[self.start], vae.prior(vae.encoder), 1.0)
        self.drawn.append((batch, q))
        return q


def landscape(**settings):
    given = {"example": 3, "split": "test", "seed": 1, "extent": 8.0, "points": 161}
    return SviLandscape(**(given | {"chunk": 10_000, "epoch": None} | settings))


@pytest.fixture
def pictures(monkeypatch):
    """What is drawn, instead of drawing it."""
    drawn = []

    def draw(picture, path, heading):
        drawn.append((picture, heading))
        return path

    monkeypatch.setattr("vaelab.diagnosis.svi_landscape.draw", draw)
    return drawn


def three():
    shifted = LinearGaussian(shift=0.5, widen=2.0)
    return [Run("VAE", shifted), Run("SVI", shifted, "zeros"), Run("SA-VAE", shifted, "encoder")]


def test_paths_and_heights_are_those_of_the_model(tmp_path, pictures):
    subjects = three()
    landscape()(subjects, tmp_path, no_bar)
    report = json.loads((tmp_path / "svi_landscape.json").read_text())
    model = subjects[0].model
    x = model.draw(60)[report["row"]][None]
    minus = -float(model.log_px(x))
    assert -report["log_px"] == pytest.approx(minus, abs=1e-6)
    assert report["optimum"]["negative_elbo"] == pytest.approx(minus, abs=1e-3)
    vae, svi, sa = (report["runs"][one.label] for one in subjects)
    assert [len(one["mean"]) for one in (vae, svi, sa)] == [1, 7, 7]
    assert vae["kl"] == pytest.approx(model.gap(), abs=1e-5)
    assert vae["negative_elbo"] == pytest.approx([minus + model.gap()], abs=1e-5)
    assert sa["negative_elbo"][0] == pytest.approx(minus + model.gap(), abs=1e-5)
    assert (svi["mean"][0], svi["log_var"][0]) == ([0, 0], [0, 0])
    for one, subject in ((svi, subjects[1]), (sa, subjects[2])):
        ((batch, q),) = subject.drawn
        assert len(batch.x) == BATCH  # steps on its mean depend on it
        assert int(batch.index[3]) == report["row"]
        expected = np.array([step[:, 3].tolist() for step in q.track.path])
        assert np.allclose(one["mean"], expected[:, 0])
        assert np.allclose(one["log_var"], expected[:, 1])
        assert one["negative_elbo"][-1] < one["negative_elbo"][0] - 0.1
        gap = one["negative_elbo"][-1] - report["optimum"]["negative_elbo"]
        assert one["above_optimum"] == pytest.approx(gap)
        assert one["inside"]
        assert (one["epoch"], one["labels"]) == (7, ["stand-in"])


def test_the_picture_holds_the_paths_and_its_height_is_the_surface_s(tmp_path, pictures):
    subjects = three()
    landscape()(subjects, tmp_path, no_bar)
    report = json.loads((tmp_path / "svi_landscape.json").read_text())
    ((picture, heading),) = pictures
    assert [label.split(":")[0] for label in picture.paths] == ["VAE", "SVI", "SA-VAE"]
    for points in picture.paths.values():
        for axis, places in ((0, picture.first), (1, picture.second)):
            assert (places[0] < points[:, axis]).all()
            assert (points[:, axis] < places[-1]).all()
    assert np.ptp(picture.first) == pytest.approx(np.ptp(picture.second))
    at = np.unravel_index(picture.surface.argmin(), picture.surface.shape)
    lowest = picture.first[at[0]], picture.second[at[1]]
    assert lowest == pytest.approx(report["optimum"]["mean"], abs=0.03)
    assert picture.surface.min() == pytest.approx(picture.lowest, abs=1e-3)
    assert "stand-in" in heading.about
    assert f"test example {report['row']}" in heading.about
    stored = np.load(tmp_path / "svi_landscape.npz")
    assert np.array_equal(stored["surface"], picture.surface)


def test_it_is_drawn_and_summed_up(tmp_path):
    diagnosis = landscape()
    written = diagnosis(three(), tmp_path, no_bar)
    assert [path.name for path in written] == [
        "svi_landscape.png", "svi_landscape.json", "svi_landscape.npz"
    ]  # fmt: skip
    assert all(path.is_file() for path in written)
    lines = diagnosis.summary(tmp_path)
    assert [line.split(":")[0] for line in lines] == ["VAE", "SVI", "SA-VAE", "optimum"]
    assert " after 6 steps from " in lines[1]
    assert "after" not in lines[0]
    far = landscape(extent=1.0)
    far(three()[:1], tmp_path, no_bar)
    assert "(not wholly inside the grid, or too narrow for it)" in far.summary(tmp_path)[0]


def test_two_models_have_no_common_landscape(tmp_path):
    other = LinearGaussian()
    with torch.no_grad():
        other.vae.decoder.weight.mul_(1.1)
    with pytest.raises(
        UserError, match=r"^b has another p\(x, z\) of this example than a: .*oracle"
    ):
        landscape()([Run("a", LinearGaussian()), Run("b", other)], tmp_path, no_bar)


def test_other_latents_than_two_are_refused(tmp_path):
    model = LinearGaussian()
    two = model.posterior

    def widened(batch):
        q = two(batch)
        return GaussianPosterior(*(one.repeat(1, 2)[:, :3] for one in vars(q.first).values()))

    model.posterior = widened
    with pytest.raises(UserError, match=r"a: latent dimensions 3; .* \(architecture\.latent_dim=2"):
        landscape()([Run("a", model)], tmp_path, no_bar)


def test_an_example_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"example=10: a has batches of 10; count from 0"):
        landscape(example=10)([Run("a", LinearGaussian())], tmp_path, no_bar)


@pytest.mark.parametrize(
    ("setting", "value"), [("example", -1), ("points", 15), ("chunk", 0), ("extent", 0.0)]
)
def test_impossible_settings_are_refused(setting, value):
    with pytest.raises(UserError, match=f"{setting}={value}: must be"):
        landscape(**{setting: value})
