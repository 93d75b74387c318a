"""Rows of metrics.csv to numbers."""

import csv
import io
import math

import numpy as np

from vaelab.reporting.curves import column, training_curves
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
