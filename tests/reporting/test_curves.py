"""Rows of metrics.csv to numbers."""

import csv
import io
import math

import numpy as np
from matplotlib.figure import Figure

from vaelab.reporting.curves import _bound, column, training_curves
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
