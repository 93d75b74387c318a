"""Layouts: an index's cell, and who is whose neighbour."""

import numpy as np
import pytest
import torch

from mapa.dense import circle
from vaelab.mapa.cells import Cells
from vaelab.mapa.layout import Layout, placed


def test_an_index_is_drawn_in_its_own_cell_and_found_there():
    torch.manual_seed(0)
    place = torch.randperm(40)
    layout = Layout(Cells(40, 2), place)
    index = torch.randint(40, (100, 7))
    z = layout.sample(index)
    assert z.shape == (100, 7, 2)
    u = torch.special.ndtr(z.double())
    cells = Cells(40, 2)
    assert bool((u >= cells.low[place[index]] - 1e-7).all())
    assert bool((u <= cells.high[place[index]] + 1e-7).all())
    assert torch.equal(layout.find(z), index)
    for one, of_cells in zip(layout.moments(), cells.moments, strict=True):
        assert torch.equal(one, of_cells[place])


def test_one_dimension_is_the_rank():
    x = torch.randn(50, 1, generator=torch.Generator().manual_seed(0))
    rank = x[:, 0].argsort().argsort()
    for kind, embedding in (("kd", "pca"), ("kd", "isomap"), ("path", "pca")):
        place = placed(Cells(50, 1), x, kind, embedding, 9)
        assert torch.equal(place, rank) or torch.equal(place, 49 - rank), (kind, embedding)


def test_neighbours_of_a_plane_are_neighbours_in_the_latent():
    # Gaussian data in a plane: cells by principal components are where the codes are.
    torch.manual_seed(0)
    codes = torch.randn(2000, 2)
    x = codes @ torch.tensor([[3.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    layout = Layout(Cells(2000, 2), placed(Cells(2000, 2), x, "kd", "pca", 9))
    mean, _ = layout.moments()
    for axis in range(2):
        correlation = np.corrcoef(mean[:, axis], codes[:, axis])[0, 1]
        assert abs(correlation) > 0.98


def test_a_path_keeps_neighbours_on_the_circle_together():
    x, turn = circle(600, noise=0)
    place = placed(Cells(600, 1), x, "path", "pca", 60)
    order = turn[place.argsort().numpy()]
    steps = np.abs(np.diff(order))
    assert np.minimum(steps, 1 - steps).max() < 1 / 60


@pytest.mark.parametrize("kind", ["kd", "path"])
def test_the_same_data_have_the_same_layout(kind):
    x = circle(300)[0]
    found = [placed(Cells(300, 1), x, kind, "isomap", 60) for _ in range(2)]
    assert torch.equal(*found)
