"""Index posteriors of small runs: numbers, which examples are shown, pictures, who is refused."""

import json

import numpy as np
import pytest
import torch

from tests.diagnosis.known_runs import LINEAR, SIZES, Built
from tests.diagnosis.subjects import no_bar
from vaelab.diagnosis.index_posterior import compare
from vaelab.diagnosis.known_run import known_case
from vaelab.diagnosis.mapa_posterior import MapaPosterior
from vaelab.errors import UserError

SMALL = ("likelihood.scale=0.1", "architecture=vector_mlp", "architecture.hidden=[8]", *SIZES)
MAPA = ("trainer=mapa", "trainer.landmarks=10", "beta=constant", *SMALL)


def circle(*overrides):
    return Built("circle", "dataset=circle", *MAPA, *overrides)


def diagnosis(**settings):
    return MapaPosterior(**({"examples": None, "chunk": 4001, "epoch": None} | settings))


@pytest.fixture
def pictures(monkeypatch):
    """What is drawn, instead of drawing it."""
    drawn = []

    def draw(data, columns, path, heading):
        drawn.append((data, columns, heading))
        return path

    monkeypatch.setattr("vaelab.diagnosis.mapa_posterior.draw", draw)
    return drawn


@pytest.mark.parametrize("count", [60, 25])
def test_codes_are_those_of_the_training_examples(count):
    run = circle(f"max_examples={count}")
    case = known_case(run, run.load())
    residual = case.x - case.dataset.decode(case.codes)
    assert case.x.shape == (count, 2)
    assert float(residual.square().mean()) == pytest.approx(0.01, rel=0.4)  # the noise


def test_soft_codes_are_the_learnt_ones():
    run = circle("trainer.layout=soft")
    with torch.no_grad():
        run.task.inference.code.copy_(torch.arange(60.0)[:, None])
    assert known_case(run, run.load()).learned_codes[:, 0].tolist() == list(range(60))


def test_numbers_are_of_all_training_examples(tmp_path, pictures):
    run = circle("trainer.c=2.0")
    diagnosis()([run], tmp_path, no_bar)
    one = json.loads((tmp_path / "mapa_posterior.json").read_text())["runs"]["circle"]
    assert one["kernel_variance"] == pytest.approx(2 * 0.01)
    assert (one["n"], one["noise"], one["epoch"]) == (60, 0.01, 3)
    assert one["labels"] == ["stand-in"]
    dataset, x = run.dataset, run.task.splits.train.x.double()
    z = dataset.codes[0]
    expected = compare(
        run.task.inference.ready_tables().rows,
        x,
        dataset.decode(z),
        z,
        0.01,
        torch.tensor(0.02).double(),
    )
    stored = np.load(tmp_path / one["file"])
    for name, values in expected.arrays.items():
        assert stored[name] == pytest.approx(values.numpy())
        assert name == "spread" or one[name] == pytest.approx(float(values.mean()))
    shown = dict(zip(one["shown"].values(), map(int, one["shown"]), strict=True))
    origin = int(x.norm(dim=1).argmin())
    assert shown[f"nearest the origin ({origin})"] == origin
    worst = int(expected.w1.argmax())
    assert worst in shown.values()
    assert int(expected.spread.argmax()) in shown.values()


def test_a_column_has_the_example_s_weights_on_both_kinds_of_codes(tmp_path, pictures):
    run = circle()
    diagnosis(examples=[7, 3])([run], tmp_path, no_bar)
    ((data, columns, heading),) = pictures
    tables = run.task.inference.ready_tables()
    assert np.allclose(data, run.task.splits.train.x)
    assert "stand-in" in heading.about
    for column, index in zip(columns, (7, 3), strict=True):
        assert column.title.startswith(f"example {index}\nTV ")
        assert np.allclose(column.x, data[index])
        row = tables.rows.dense()[index].numpy()
        assert np.allclose(column.true.weights, row)
        assert np.allclose(column.learned.weights, row)
        assert np.allclose(column.true.codes, run.dataset.codes[0])
        assert np.allclose(column.learned.codes, tables.layout.moments()[0])
        assert column.true.noisier is not None
        (z,) = column.learned.axes
        assert np.trapezoid(column.learned.density, z) == pytest.approx(1, abs=5e-3)


def test_one_and_two_dimensions_are_drawn_and_summed_up(tmp_path):
    run = Built("saddle", "dataset=saddle", *MAPA, "architecture.latent_dim=2")
    made = diagnosis(examples=[5])
    written = made([run, circle()], tmp_path, no_bar)
    assert sorted(path.name for path in written) == [
        "mapa_posterior-1.npz", "mapa_posterior-1.png", "mapa_posterior-2.npz",
        "mapa_posterior-2.png", "mapa_posterior.json",
    ]  # fmt: skip
    assert all(path.is_file() for path in written)
    saddle, line = made.summary(tmp_path)
    assert "W1" not in saddle
    assert line.startswith("circle: TV of q to the exact posterior 0.")
    assert "(60 training examples, stand-in)" in line


def test_other_runs_and_data_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"a: has no index posteriors; .* trainer=mapa"):
        diagnosis()([Built("a", *LINEAR)], tmp_path, no_bar)
    many = ("dataset.dim=4", "dataset.latent_dim=3", "trainer=mapa")
    with pytest.raises(UserError, match=r"a: its data set does not know .* \(dataset=circle"):
        diagnosis()([Built("a", *LINEAR, *many)], tmp_path, no_bar)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"examples": []}, r"examples=\[\]: must be"),
        ({"examples": [3, -1]}, r"examples=\[3, -1\]: must be"),
        ({"chunk": 0}, "chunk=0: must be"),
    ],
)
def test_impossible_settings_are_refused(settings, said):
    with pytest.raises(UserError, match=said):
        diagnosis(**settings)


def test_an_example_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"examples=\[60\]: circle has 60 training examples"):
        diagnosis(examples=[60])([circle()], tmp_path, no_bar)
