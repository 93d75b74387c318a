"""Which part of the latent is shown, and what is in it."""

import numpy as np
import pytest
import torch

from vaelab.dataset.circle import Circle
from vaelab.dataset.saddle import Saddle
from vaelab.diagnosis.integral import Posteriors, known, noisier
from vaelab.diagnosis.placed import MARGIN, TAIL, placed, window


def test_a_window_leaves_out_the_tails_and_has_a_margin():
    places = torch.linspace(0, 1, 10_001, dtype=torch.float64)[:, None] * torch.tensor([1.0, -3.0])
    low, high = window(places[torch.randperm(10_001)], torch.ones(10_001).double())
    left = MARGIN * (1 - 2 * TAIL) - TAIL  # between the end of the places and that of the window
    assert low.tolist() == pytest.approx([-left, -3 - 3 * left], abs=0.02)
    assert high.tolist() == pytest.approx([1 + left, 3 * left], abs=0.02)


def test_places_without_mass_are_not_in_it():
    places = torch.tensor([[-50.0], [1.0], [1.5], [90.0]], dtype=torch.float64)
    low, high = window(places, torch.tensor([0.0, 0.5, 0.5, 0.0]).double())
    assert 0.9 < low[0] < 1
    assert 1.5 < high[0] < 1.6


@pytest.mark.parametrize("dataset", [Circle(num_train=50), Saddle(num_train=50)])
def test_what_is_shown_is_the_density_and_all_of_it(dataset):
    x, codes = dataset.load().train.x.double(), dataset.codes[0]
    weights = torch.eye(50, dtype=torch.float64)
    model = known(dataset, x[:3])
    found = placed(model, 2, codes, weights[2])
    area = np.prod([float(one[1] - one[0]) for one in found.axes])
    assert found.density.shape == tuple(map(len, found.axes))
    assert found.density.sum() * area == pytest.approx(1, abs=3e-3)
    middle = tuple(len(one) // 2 - 3 * axis for axis, one in enumerate(found.axes))
    z = torch.tensor([[one[at] for one, at in zip(found.axes, middle, strict=True)]])
    assert found.density[middle] == pytest.approx(float(model.density(z)[2, 0]))
    assert np.array_equal(found.codes, codes.numpy())
    assert np.array_equal(found.weights, weights[2].numpy())
    assert found.noisier is None
    for own, one in zip(codes[2].tolist(), found.axes, strict=True):
        assert one[0] < own < one[-1]


def test_nothing_is_shown_where_the_integral_ends():
    edge = Posteriors(1, lambda z: -(z[:, 0] + 6.5)[None].square() * 50, torch.zeros(1).double())
    codes = torch.tensor([[0.0], [1.0]]).double()
    found = placed(edge, 0, codes, torch.tensor([0.5, 0.5]).double())
    assert found.axes[0][0] == -6.5


def test_another_density_is_shown_at_the_same_places():
    dataset = Circle(num_train=50)
    x, codes = dataset.load().train.x[:2].double(), dataset.codes[0]
    more = noisier(dataset, x, torch.tensor([0.02, 0.05]).double())
    found = placed(known(dataset, x), 1, codes, torch.full((50,), 0.02).double(), more)
    z = torch.from_numpy(found.axes[0])[:, None]
    assert np.allclose(found.noisier, more.density(z)[1])
