"""Grids put every pixel where it belongs."""

import math

import pytest
import torch
from torch.testing import assert_close

from vaelab.reporting.images import columns_for, tile


def test_images_lie_in_rows_with_white_between():
    images = torch.arange(5.0).view(5, 1, 1, 1).expand(5, 1, 2, 3) / 10
    grid = tile(images, 3, gap=1)
    assert grid.shape == (2 * 2 + 1, 3 * 3 + 2, 1)
    assert_close(grid[0, [0, 4, 8], 0], torch.tensor([0.0, 0.1, 0.2]))
    assert_close(grid[3, [0, 4, 8], 0], torch.tensor([0.3, 0.4, 1.0]))  # the last is missing
    assert (grid[2] == 1).all()
    assert (grid[:, [3, 7]] == 1).all()


def test_pixels_and_channels_keep_their_places():
    images = torch.rand(4, 3, 5, 6)
    grid = tile(images, 2, gap=2)
    assert_close(grid[7:12, 8:14].permute(2, 0, 1), images[3])


@pytest.mark.parametrize("count", [1, 5, 36, 64, 200])
def test_grids_are_about_square(count):
    columns = columns_for(count, 100)
    assert abs(math.ceil(count / columns) - columns) <= 1
    assert columns_for(count) <= 12
