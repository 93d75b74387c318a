"""Rows of metrics.csv to numbers."""

import csv
import io
import math

import numpy as np
from matplotlib.figure import Figure

from vaelab.reporting import curves
from vaelab.reporting.curves import _aggressive, _bound, _second, column, training_curves
from vaelab.reporting.style import Heading

HEADING = Heading("Training", "a run")


def test_cells_are_numbers_however_they_were_read():
    text = "epoch,val/elbo,val/mi\n1,-100.5,\n2,-90,0.5\n"
    rows = list(csv.DictReader(io.StringIO(text)))
    assert column(rows, "val/elbo").tolist() == [-100.5, -90.0]
    assert np.isnan(column(rows, "val/mi")).tolist() == [True, False]
    assert np.isnan(column(rows, "train/elbo")).all()
    assert column([{"a": None}, {"a": 3}], "a")[1] == 3


def test_no_rows_no_file(tmp_path):
    assert training_curves([], tmp_path / "curves.png", HEADING) is None
    assert not list(tmp_path.iterdir())


def test_one_epoch_constant_and_missing_values_can_be_drawn(tmp_path):
    row = {"epoch": 1, "train/elbo": -1.0, "val/kl": math.nan, "beta": 1.0}
    for rows in ([row], [row, row | {"epoch": 2}], [{"epoch": 1}]):
        assert training_curves(rows, tmp_path / "curves.png", HEADING, 1) is not None


def test_a_bound_above_the_elbo_is_drawn_beside_it():
    rows = [
        {"epoch": epoch, "train/elbo": -100.0 - gain, "val/elbo": -100.0 - gain,
         "train/bound": -98.0, "val/bound": -100.0}
        for epoch, gain in enumerate([3.0, 2.0], 1)
    ]  # fmt: skip
    axes = Figure().subplots()
    _bound(axes, rows, column(rows, "epoch"))
    dashed = [line.get_ydata().tolist() for line in axes.lines if line.get_linestyle() == "--"]
    assert [-98.0, -98.0] in dashed
    assert [-100.0, -100.0] in dashed
    assert axes.get_ylim()[1] >= -98.0
    same = [row | {"val/bound": row["val/elbo"] + 0.1} for row in rows]
    other = Figure().subplots()
    _bound(other, same, column(same, "epoch"))
    assert not other.lines


def spans(axes):
    """Where bands are, and what the legend says of them."""
    patches = [patch for patch in axes.patches if patch.get_width() > 0]
    _, labels = axes.get_legend_handles_labels()
    return [(one.get_x(), one.get_x() + one.get_width()) for one in patches], labels


def test_a_band_marks_epochs_of_more_encoder_steps():
    axes = Figure().subplots()
    _aggressive(axes, np.arange(1.0, 8), np.array([34.2, 30.0, 1.0, 1.0, np.nan, 45.4, 1.0]))
    found, labels = spans(axes)
    assert found == [(0.5, 2.5), (5.5, 6.5)]
    assert labels == ["30 to 45 encoder steps\nfor each decoder step"]
    constant = Figure().subplots()
    _aggressive(constant, np.arange(1.0, 3), np.array([20.0, 1.0]))
    assert spans(constant) == ([(0.5, 1.5)], ["20 encoder steps\nfor each decoder step"])
    for steps in ([1.0, 1.0], [np.nan, np.nan]):
        joint = Figure().subplots()
        _aggressive(joint, np.arange(1.0, 3), np.array(steps))
        assert spans(joint) == ([], [])


def test_the_ceiling_of_mutual_information_is_a_line_within_the_picture():
    axes = Figure().subplots()
    epochs, mi = np.arange(1.0, 4), np.array([0.1, 0.2, 0.3])
    _second(axes, epochs, mi, "mi", "k", (0, None), np.array([np.nan, 3.3, 3.3]))
    (right,) = (one for one in axes.figure.axes if one is not axes)
    heights = {line.get_linestyle(): list(line.get_ydata()) for line in right.lines}
    assert heights == {"-": [0.1, 0.2, 0.3], "--": [3.3, 3.3]}
    assert right.get_ylim()[0] == 0
    assert right.get_ylim()[1] > 3.3
    old = Figure().subplots()
    _second(old, epochs, mi, "mi", "k", (0, None), np.full(3, np.nan))  # of an older run
    assert len(old.figure.axes[1].lines) == 1


def test_without_a_latent_there_is_one_panel_of_the_bound(tmp_path, monkeypatch):
    row = {"train/elbo": -9.0, "val/elbo": -10.0, "val/kl": 0.0}
    rows = [row | {"epoch": epoch} for epoch in (1, 2)]
    seen = []
    line = curves._line
    monkeypatch.setattr(curves, "_line", lambda *given: seen.append(given[3]) or line(*given))
    assert training_curves(rows, tmp_path / "curves.png", HEADING, 2, exact=True).is_file()
    assert seen == ["training", "validation"]
    seen.clear()
    training_curves(rows, tmp_path / "curves.png", HEADING, 2)
    assert len(seen) > 4
