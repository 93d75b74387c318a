"""Signal-to-noise ratios of Gaussian draws, for which they are known, and of any split of them."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from torch.testing import assert_close

from vaelab.evaluation.active_units import RunningVariance
from vaelab.evaluation.moments import (
    BLOCKS,
    Directional,
    GradientDraws,
    floor,
    jackknife,
    merged,
    ratio,
)

F64 = torch.float64


def gaussian(count, dims, seed=0):
    return torch.randn(count, dims, generator=torch.Generator().manual_seed(seed), dtype=F64)


def kept(rows, sizes, signal=None):
    draws = GradientDraws(len(rows), signal)
    for part in rows.split(sizes):
        draws.add(part)
    return draws


@given(
    sizes=st.lists(st.integers(0, 9), min_size=1, max_size=9).filter(lambda s: sum(s) > 1),
    offset=st.sampled_from([0.0, 1e4]),
)
def test_any_split_gives_the_moments_of_all_draws(sizes, offset):
    rows = gaussian(sum(sizes), 3) + offset
    moments = kept(rows, sizes).moments
    assert moments.count == len(rows)
    assert_close(moments.mean, rows.mean(0))
    assert_close(moments.variance, rows.var(0), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("draws", [20, 23, 50])
def test_without_a_block_are_the_moments_of_the_rest(draws):
    rows = gaussian(draws, 2)
    bounds = [math.ceil(block * draws / BLOCKS) for block in range(BLOCKS + 1)]
    for number, part in enumerate(kept(rows, 7).without_a_block):
        rest = torch.cat([rows[: bounds[number]], rows[bounds[number + 1] :]])
        assert_close(part.mean, rest.mean(0))
        assert_close(part.variance, rest.var(0))


@given(sizes=st.lists(st.integers(1, 9), min_size=2, max_size=9))
def test_the_direction_is_that_of_the_first_half_and_the_second_is_held_to_it(sizes):
    rows = gaussian(sum(sizes), 4) + 1.0
    directional = kept(rows, sizes).directional
    assert directional is not None
    half = len(rows) // 2
    u = rows[:half].mean(0) / rows[:half].mean(0).norm()
    cosine = (rows[half:] @ u) / rows[half:].norm(dim=1)
    # |parallel| / |perpendicular| is |cot| of the angle: another formula for the same.
    assert directional.mean == pytest.approx(float((cosine.abs() / (1 - cosine**2).sqrt()).mean()))


def test_a_given_direction_is_used_for_every_draw():
    rows, signal = gaussian(11, 3), torch.tensor([3.0, 4.0, 0.0], dtype=F64)
    directional = kept(rows, 4, signal).directional
    assert directional is not None
    parallel = rows @ torch.tensor([0.6, 0.8, 0.0], dtype=F64)
    perpendicular = (rows.square().sum(1) - parallel.square()).sqrt()
    each = parallel.abs() / perpendicular
    assert directional.mean == pytest.approx(float(each.mean()))
    assert directional.error == pytest.approx(float(each.std()) / math.sqrt(11))


@pytest.mark.parametrize("strength", [0.0, 0.5, 3.0])
def test_directional_ratio_of_gaussian_draws(strength):
    # Along the signal a draw is N(s, 1), across it a chi with P - 1 degrees of freedom.
    dims, count = 6, 200_000
    signal = torch.zeros(dims, dtype=F64)
    signal[2] = 1.0
    directional = Directional(signal)
    directional.add(gaussian(count, dims) + strength * signal)
    along, _ = integrate.quad(lambda t: abs(t) * stats.norm.pdf(t, strength), -10, 15)
    n = dims - 1
    across = math.gamma((n - 1) / 2) / (math.sqrt(2) * math.gamma(n / 2))
    assert abs(directional.mean - along * across) < 4 * directional.error
    assert directional.error < 0.004


def test_a_direction_of_the_same_draws_would_be_too_good():
    rows = gaussian(8, 50)  # no signal at all
    own = Directional(rows.mean(0))
    own.add(rows)
    held_out = kept(gaussian(8, 50), 8).directional
    assert held_out is not None
    assert own.mean > 2 * held_out.mean


def test_ratio_by_coordinate():
    count = 100_000
    sd = torch.tensor([0.1, 1.0, 30.0], dtype=F64)
    mean = torch.tensor([-0.2, 0.5, 15.0], dtype=F64)
    moments = kept(mean + sd * gaussian(count, 3), count).moments
    expected = torch.tensor([2.0, 0.5, 0.5], dtype=F64)
    error = ((1 + expected.square() / 2) / count).sqrt()
    assert bool(((ratio(moments.mean, moments.variance) - expected).abs() < 4 * error).all())


def test_what_never_varies_has_no_ratio():
    rows = gaussian(30, 2)
    rows[:, 1] = 0.0
    moments = kept(rows, 30).moments
    assert ratio(moments.mean, moments.variance).isnan().tolist() == [False, True]


@pytest.mark.parametrize("draws", [50, 400])
def test_the_floor_is_what_draws_without_signal_give(draws):
    # 20,000 coordinates of mean 0: their plug-in ratios average to the floor.
    moments = kept(gaussian(draws, 20_000), draws).moments
    found = ratio(moments.mean, moments.variance)
    error = float(found.std()) / math.sqrt(len(found))
    # A t statistic in place of a normal one: E[1 / sd] is 1 + 3 / (4 (R - 1)) for unit normals.
    assert abs(float(found.mean()) / (1 + 0.75 / (draws - 1)) - floor(draws)) < 4 * error


def test_the_jackknife_of_a_mean_is_its_standard_error():
    x = gaussian(12, 1).flatten()
    without = [float(torch.cat([x[:i], x[i + 1 :]]).mean()) for i in range(12)]
    assert jackknife(without) == pytest.approx(float(x.std()) / math.sqrt(12))


def test_empty_parts_count_for_nothing():
    filled = RunningVariance()
    filled.add(gaussian(5, 2))
    assert_close(merged([RunningVariance(), filled]).variance, filled.variance)
