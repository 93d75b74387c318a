"""Paths through landmarks against the best of all, and orders on curves that are known."""

from itertools import pairwise, permutations

import numpy as np
import pytest
import torch

from mapa.dense import circle
from vaelab.dataset.figure8 import Figure8
from vaelab.mapa.path import directions, length, nearest_first, ranks, shortest_path, two_opt


def distances(points):
    return np.array([[np.linalg.norm(a - b) for b in points] for a in points])


def walked(path, distance):
    return sum(distance[a, b] for a, b in pairwise(path))


@pytest.mark.parametrize("seed", range(5))
def test_seven_landmarks_have_the_shortest_path_of_all(seed):
    points = np.random.default_rng(seed).standard_normal((7, 2))
    distance = distances(points)
    best = min(walked(order, distance) for order in permutations(range(7)))
    path = shortest_path(points)
    assert sorted(path) == list(range(7))
    assert length(path, distance) == pytest.approx(walked(path, distance))
    assert walked(path, distance) == pytest.approx(best)


@pytest.mark.parametrize("seed", range(3))
def test_no_reversal_of_any_piece_is_left_that_helps(seed):
    points = np.random.default_rng(seed).standard_normal((25, 3))
    distance = distances(points)
    start = np.random.default_rng(seed).permutation(25)
    path = two_opt(start, distance)
    assert sorted(path) == list(range(25))
    assert walked(path, distance) < walked(start, distance)
    for low in range(25):
        for high in range(low + 1, 25):
            other = [*path[:low], *path[low : high + 1][::-1], *path[high + 1 :]]
            assert walked(other, distance) >= walked(path, distance) - 1e-9


def test_each_step_is_the_best_reversal():
    # Of these five on a line, one reversal puts the path right; any other leaves it longer.
    points = np.arange(5.0)[:, None]
    assert two_opt(np.array([0, 3, 2, 1, 4]), distances(points)).tolist() == [0, 1, 2, 3, 4]
    # Ends are reversed as the middle is.
    assert two_opt(np.array([2, 1, 0, 3, 4]), distances(points)).tolist() == [0, 1, 2, 3, 4]
    assert two_opt(np.array([0, 1, 4, 3, 2]), distances(points)).tolist() == [0, 1, 2, 3, 4]


def test_the_nearest_is_next():
    points = np.array([[0.0], [1.0], [3.0], [-1.5]])
    assert nearest_first(distances(points), 0).tolist() == [0, 1, 2, 3]


def test_directions_are_from_the_one_before_to_the_one_behind():
    centres = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    assert directions(centres).tolist() == [[1, 0], [1, 2], [0, 2]]
    assert directions(centres[:2]).tolist() == [[1, 0], [1, 0]]


def test_neighbours_on_the_path_are_neighbours_on_the_circle():
    _, turn = circle(1000)
    x = np.stack([np.cos(2 * np.pi * turn), np.sin(2 * np.pi * turn)], 1)
    order = np.argsort(ranks(x, 60))
    steps = np.abs(np.diff(turn[order]))
    steps = np.minimum(steps, 1 - steps)
    # Once round, but for the one place where it is cut, and back only within rounding of a cell's
    # chord: without noise the order is that of the angle.
    along = np.sort(turn)
    gaps = np.diff(np.append(along, along[0] + 1))
    assert steps.sum() == pytest.approx(1 - gaps.max(), abs=2 / 60)
    assert steps.max() < 1 / 60


def test_the_figure_8_is_walked_once():
    data = Figure8(num_train=1500, num_valid=1, num_test=1, noise=1e-6)
    x = data.load().train.x.double().numpy()
    order = np.argsort(ranks(x, 60))
    walk = np.linalg.norm(np.diff(x[order], axis=0), axis=1)
    fine = data.decode(torch.linspace(-4, 4, 20_001, dtype=torch.float64)[:, None])
    whole = float(fine.diff(dim=0).norm(dim=1).sum())
    assert np.percentile(walk, 99) < 0.05  # of a length near 6
    centres = x[order][:: len(x) // 60]
    assert np.linalg.norm(np.diff(centres, axis=0), axis=1).sum() < 1.1 * whole


@pytest.mark.parametrize("landmarks", [2, 7, 60, 150])
def test_ranks_are_a_permutation_and_the_same_each_time(landmarks):
    x = circle(200)[0].double().numpy()
    found = ranks(x, landmarks)
    assert sorted(found) == list(range(200))
    assert np.array_equal(found, ranks(x, landmarks))


def test_a_line_is_ordered_with_few_landmarks():
    # Between landmarks by the projection on the path.
    x = np.random.default_rng(0).random((300, 1)) * [[3.0, 4.0]]
    found, expected = ranks(x, 5), np.argsort(np.argsort(x[:, 0]))
    assert np.array_equal(found, expected) or np.array_equal(found, 299 - expected)


def test_examples_that_are_the_same_have_places_too():
    few = np.random.default_rng(0).standard_normal((7, 2))
    assert sorted(ranks(np.repeat(few, 9, axis=0), 60)) == list(range(63))
    assert sorted(ranks(np.zeros((5, 2)), 60)) == list(range(5))
