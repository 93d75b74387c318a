"""True posteriors of known models: what the files say, and who is refused."""

import json

import numpy as np
import pytest
import torch

from tests.diagnosis.subjects import Known, no_bar
from tests.evaluation.linear_gaussian import LinearGaussian
from vaelab.diagnosis.posterior import Posterior
from vaelab.errors import UserError


def posterior(**settings):
    given = {"examples": 5, "shown": 3, "split": "test", "seed": 1, "extent": 5.0, "points": 81}
    return Posterior(**(given | {"chunk": 10_000, "edge": 0.001, "epoch": None} | settings))


@pytest.fixture
def pictures(monkeypatch):
    """What is drawn, instead of drawing it."""
    drawn = []

    def draw(rows, images, path, heading):
        drawn.append(rows)
        return path

    monkeypatch.setattr("vaelab.diagnosis.posterior.posteriors", draw)
    return drawn


def test_divergence_and_evidence_are_those_of_the_model(tmp_path, pictures):
    wrong = LinearGaussian(shift=0.3, widen=1.5)
    subjects = [Known("exact", LinearGaussian()), Known("wrong", wrong)]
    posterior()(subjects, tmp_path, no_bar)
    runs = json.loads((tmp_path / "posterior.json").read_text())["runs"]
    assert runs["exact"]["kl"] == pytest.approx(0.0, abs=1e-3)
    assert runs["wrong"]["kl"] == pytest.approx(wrong.gap(), abs=5e-3)
    assert (runs["wrong"]["n"], runs["wrong"]["epoch"]) == (5, 7)
    assert runs["wrong"]["cut_off"] == runs["wrong"]["coarse"] == []
    arrays = np.load(tmp_path / runs["wrong"]["file"])
    x = wrong.draw(60)[torch.from_numpy(arrays["index"])]
    assert arrays["log_px"] == pytest.approx(wrong.log_px(x).numpy(), abs=1e-4)
    other = np.load(tmp_path / runs["exact"]["file"])
    assert (arrays["index"] == other["index"]).all()  # the same examples of every run
    (rows,) = pictures
    assert {label: len(panels) for label, panels in rows.items()} == {"exact": 3, "wrong": 3}


def test_a_panel_is_the_posterior_where_it_is(tmp_path, pictures):
    model = LinearGaussian(shift=0.4)
    posterior()([Known("a", model)], tmp_path, no_bar)
    arrays = np.load(tmp_path / "posterior-1.npz")
    for row, panel in enumerate(pictures[0]["a"]):
        left, right, bottom, top = panel.box
        area = (right - left) * (top - bottom) / 81**2
        assert panel.density.sum() * area == pytest.approx(1.0, abs=1e-4)
        across = left + (np.arange(81) + 0.5) * (right - left) / 81
        mean = (panel.density.sum(1) * across).sum() * area  # dimension 0 is the first axis
        x = model.draw(60)[int(arrays["index"][row])]
        assert mean == pytest.approx(float((model.slope @ x)[0]), abs=1e-3)
        assert panel.mean == pytest.approx((model.slope @ x + 0.4).tolist())
        assert panel.spread == pytest.approx(model.variance.sqrt().tolist())


def test_what_is_cut_off_or_coarse_is_said(tmp_path, pictures):
    model = LinearGaussian(shift=0.3, widen=0.001)
    posterior(extent=0.01, points=8)([Known("a", model)], tmp_path, no_bar)
    one = json.loads((tmp_path / "posterior.json").read_text())["runs"]["a"]
    index = np.load(tmp_path / one["file"])["index"].tolist()
    assert one["cut_off"] == index
    assert "cut off" in pictures[0]["a"][0].text


def test_the_summary_says_divergence_and_doubts(tmp_path):
    report = {"split": "test", "runs": {
        "a": {"kl": 1.25, "kl_se": 0.5, "n": 3, "cut_off": [7], "coarse": []},
        "b": {"kl": 0.5, "kl_se": None, "n": 1, "cut_off": [], "coarse": []}}}  # fmt: skip
    (tmp_path / "posterior.json").write_text(json.dumps(report))
    made = posterior()
    assert made.summary(tmp_path) == [
        "a: KL(q || p) 1.25 +- 0.5 nats (3 test examples, 1 cut off)",
        "b: KL(q || p) 0.5 nats (1 test examples)",
    ]


def test_it_is_drawn(tmp_path):
    written = posterior(points=20)([Known("a", LinearGaussian(), 8)], tmp_path, no_bar)
    assert [path.name for path in written] == [
        "posterior.png",
        "posterior.json",
        "posterior-1.npz",
    ]
    assert all(path.is_file() for path in written)


def test_other_latents_than_two_are_refused(tmp_path):
    model = LinearGaussian()
    three = model.posterior

    def widened(batch):
        q = three(batch)
        return type(q)(q.first.mean.repeat(1, 2)[:, :3], q.first.log_var.repeat(1, 2)[:, :3])

    model.posterior = widened
    with pytest.raises(UserError, match=r"a: latent dimensions 3; .* \(architecture\.latent_dim=2"):
        posterior()([Known("a", model)], tmp_path, no_bar)


@pytest.mark.parametrize(
    ("setting", "value"), [("examples", 0), ("shown", 0), ("points", 7), ("extent", 0.0)]
)
def test_impossible_settings_are_refused(setting, value):
    with pytest.raises(UserError, match=f"{setting}={value}: must be"):
        posterior(**{setting: value})
