"""Maps of learned densities: of a model that is the true one all is known; groups, refusals."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.diagnosis.known_runs import LINEAR, Built
from tests.diagnosis.subjects import no_bar
from vaelab.diagnosis.base import Subject
from vaelab.diagnosis.density import Box, latent_lines
from vaelab.diagnosis.density_map import DensityMap, grouped, shortened
from vaelab.errors import UserError
from vaelab.runs.run import Run


def density_map(**settings):
    given = {"points": 24, "samples": 30, "seed": 1, "chunk": 2000, "epoch": None}
    return DensityMap(**(given | settings))


@pytest.fixture
def pictures(monkeypatch):
    """What is drawn, instead of drawing it."""
    drawn = []

    def draw(columns, box, data, path, heading):
        drawn.append((columns, box, data, path, heading))
        return path

    monkeypatch.setattr("vaelab.diagnosis.density_map.draw", draw)
    return drawn


def test_a_model_that_is_the_true_one_has_its_density(tmp_path, pictures):
    run = Built("a", *LINEAR, true=True)
    density_map(samples=4000)([run], tmp_path, no_bar)
    ((columns, box, data, path, heading),) = pictures
    truth, own = columns
    assert path.name == "density_map-linear_gaussian.png"
    assert "stand-in" in heading.about
    assert "4001 points" in heading.about
    found = json.loads((tmp_path / "density_map.json").read_text())["linear_gaussian"]
    test = run.task.splits.test.x
    log_px = run.dataset.log_marginal(test)
    assert found["true"] == pytest.approx(float(log_px.mean()))
    assert found["runs"]["a"]["log_likelihood"] == pytest.approx(found["true"], abs=1e-4)
    assert found["runs"]["a"]["se"] == pytest.approx(float(log_px.std()) / 40**0.5, rel=1e-3)
    assert own.title == f"a\n{found['true']:.3f}"
    # Maps have dimension 0 first, at the middles of cells.
    left, right, bottom, top = box
    x = [left + 5.5 * (right - left) / 24, bottom + 17.5 * (top - bottom) / 24]
    expected = float(run.dataset.log_marginal(torch.tensor([x], dtype=torch.float64)))
    assert truth.log_px[5, 17] == pytest.approx(expected, abs=1e-6)
    assert own.log_px[5, 17] == pytest.approx(expected, abs=2e-3)
    near = truth.log_px > truth.log_px.max() - 20
    assert np.allclose(own.log_px[near], truth.log_px[near], atol=5e-3)
    covariance = run.dataset.weight @ run.dataset.weight.T + 0.25 * torch.eye(2)
    assert np.allclose(np.cov(own.points.T), covariance, rtol=0.1, atol=0.05)
    assert np.array_equal(truth.points, data)
    assert np.allclose(data, test)
    ((line,), (other,)) = truth.curves, own.curves
    assert np.allclose(line.x, other.x, atol=1e-5)
    assert np.allclose(line.x[-1], run.dataset.weight[:, 0] * 3 + run.dataset.mean)
    stored = np.load(tmp_path / "density_map-linear_gaussian.npz")
    assert np.allclose(stored["a"], own.log_px)
    assert np.allclose(stored["true"], truth.log_px)


def test_it_is_drawn_and_summed_up(tmp_path):
    run = Built("plane", *LINEAR, "dataset.latent_dim=2", "architecture.latent_dim=2")
    made = density_map(points=8)
    written = made([run], tmp_path, no_bar)
    assert [path.name for path in written] == [
        "density_map-linear_gaussian.png", "density_map-linear_gaussian.npz", "density_map.json"
    ]  # fmt: skip
    assert all(path.is_file() for path in written)
    (line,) = made.summary(tmp_path)
    assert line.startswith("linear_gaussian, plane: test log p(x) -")
    assert "(truth -" in line


def test_each_data_set_has_a_picture(tmp_path, pictures):
    other = Built("other", *LINEAR, "dataset.seed=5")
    runs = [Built("one, x", *LINEAR, true=True), other, Built("one, y", *LINEAR)]
    made = density_map(points=8)
    made(runs, tmp_path, no_bar)
    titles = {
        path.stem: [one.title.split("\n")[0] for one in columns]
        for columns, _, _, path, _ in pictures
    }
    assert titles == {
        "density_map-linear_gaussian": ["truth", "x", "y"],
        "density_map-linear_gaussian-2": ["truth", "other"],
    }
    assert [line.split(":")[0] for line in made.summary(tmp_path)] == [
        "linear_gaussian, one, x", "linear_gaussian, one, y", "linear_gaussian-2, other"
    ]  # fmt: skip


@pytest.mark.slow
def test_data_of_no_known_density_are_drawn_too(tmp_path):
    x = np.random.RandomState(0).standard_normal((60, 2)).astype(np.float32)
    np.savez(tmp_path / "mine.npz", x_train=x, x_valid=x[:20], x_test=x[20:])
    mine = ("dataset=npz", f"dataset.file={tmp_path / 'mine.npz'}", "likelihood=gaussian")
    run = Built("a", *mine, "architecture=vector_mlp", "architecture.hidden=[4]")
    made = density_map()
    written = made([run], tmp_path, no_bar)
    assert all(path.is_file() for path in written)
    assert "truth" not in made.summary(tmp_path)[0]
    assert "true" not in np.load(tmp_path / "density_map-npz.npz")


def test_labels_lose_what_all_say():
    def labels(*texts):
        return shortened([Subject(text, Run(Path("a")), {}) for text in texts])

    assert labels("circle, mapa", "circle, vae") == ["mapa", "vae"]
    assert labels("circle, mapa") == ["circle, mapa"]
    assert labels("circle", "circle, seed 2") == ["circle", "seed 2"]


def test_runs_are_of_one_group_if_their_data_are_the_same():
    def subject(label, name, noise):
        config = {"dataset": {"_target_": name, "noise": noise}, "choices": {"dataset": name}}
        return Subject(label, Run(Path(label)), config)

    runs = [subject("a", "circle", 1), subject("b", "abs", 1), subject("c", "circle", 2)]
    runs.append(subject("d", "circle", 1))
    found = {name: [one.label for one in alike] for name, alike in grouped(runs).items()}
    assert found == {"circle": ["a", "d"], "abs": ["b"], "circle-2": ["c"]}


def test_a_box_is_square_and_holds_the_data_but_for_a_few():
    x = torch.cat([torch.rand(2000, 2) * torch.tensor([4.0, 1.0]), torch.tensor([[99.0, 0.0]])])
    box = Box.around(x, 10)
    left, right, bottom, top = box.extent
    assert right - left == pytest.approx(top - bottom) == pytest.approx(4 * 1.24, rel=0.02)
    assert (left + right) / 2 == pytest.approx(2, abs=0.05)
    assert (bottom + top) / 2 == pytest.approx(0.5, abs=0.05)
    assert box.middles.shape == (100, 2)
    assert box.middles[1].tolist() == pytest.approx(
        [left + box.side / 20, bottom + 3 * box.side / 20]
    )


def test_a_lattice_has_lines_of_both_directions():
    z = latent_lines(2)
    still = (z.amax(1) == z.amin(1)).tolist()  # by line and dimension
    assert still == [[False, True]] * 13 + [[True, False]] * 13
    assert latent_lines(1).shape[0] == 1


def test_data_of_other_shapes_are_refused(tmp_path):
    run = Built("a", *LINEAR, "dataset.dim=3")
    with pytest.raises(UserError, match=r"a: its data have shape \[3\]; .* over two numbers"):
        density_map()([run], tmp_path, no_bar)


@pytest.mark.parametrize(("setting", "value"), [("points", 7), ("samples", 0), ("chunk", 0)])
def test_impossible_settings_are_refused(setting, value):
    with pytest.raises(UserError, match=f"{setting}={value}: must be"):
        density_map(**{setting: value})
