"""What is said of one gradient's ratio: where its signal is from, and how sure it is."""

import math

import pytest
import torch
from torch.testing import assert_close

from vaelab.evaluation.moments import GradientDraws, floor
from vaelab.evaluation.signal import PLUG_IN, ratio_of, some_weights

F64 = torch.float64
MEAN = torch.tensor([0.05, -0.1, 0.02, 0.0], dtype=F64)


def draws(count, seed, sd=1.0):
    generator = torch.Generator().manual_seed(seed)
    found = GradientDraws(count, MEAN)
    found.add(MEAN + sd * torch.randn(count, 4, generator=generator, dtype=F64))
    return found


def test_a_signal_from_elsewhere_has_no_floor():
    noisy = draws(400, 0)
    true = float(MEAN.abs().mean())  # 0.0425, not far from the floor, 0.04
    exact = ratio_of(noisy, MEAN, "closed form")
    assert exact.snr == pytest.approx(true, rel=0.05)
    other = ratio_of(noisy, draws(400, 1, sd=0.01), "another estimator")
    assert other.snr == pytest.approx(true, rel=0.05)
    assert exact.plug_in == other.plug_in > 1.1 * true
    assert exact.floor == floor(400)
    assert (exact.signal, other.signal) == ("closed form", "another estimator")
    assert exact.direction == "closed form"


def test_without_one_the_signal_is_the_draws_own_mean():
    noisy = draws(400, 0)
    found = ratio_of(noisy)
    moments = noisy.moments
    assert found.snr == pytest.approx(float((moments.mean.abs() / moments.variance.sqrt()).mean()))
    assert (found.snr, found.se, found.signal) == (found.plug_in, found.plug_in_se, PLUG_IN)


@pytest.mark.parametrize("kind", ["exact", "draws", "own"])
def test_standard_errors_are_those_of_repetition(kind):
    # Far from zero, where |mean| has no kink.
    def once(seed):
        generator = torch.Generator().manual_seed(seed)

        def some(sd):
            found = GradientDraws(200)
            found.add(1.0 + sd * torch.randn(200, 3, generator=generator, dtype=F64))
            return found

        noisy = some(1.0)
        signal = {"exact": torch.ones(3, dtype=F64), "own": None}.get(kind, some(1.5))
        return ratio_of(noisy, signal if kind != "own" else None)

    found = [once(seed) for seed in range(300)]
    spread = torch.tensor([one.snr for one in found]).std()
    said = math.sqrt(sum(one.se**2 for one in found) / len(found))
    assert said == pytest.approx(float(spread), rel=0.15)


def test_constant_coordinates_count_for_nothing_and_chosen_ones_decide():
    rows = torch.randn(50, 5, generator=torch.Generator().manual_seed(2), dtype=F64) + 1.0
    rows[:, 3] = 0.0
    found = GradientDraws(50)
    found.add(rows)
    ratios = rows.mean(0).abs() / rows.std(0)
    said = ratio_of(found, chosen=torch.tensor([0, 2]))
    assert said.snr == pytest.approx(float(ratios[[0, 2]].mean()))
    assert said.every == pytest.approx(float(ratios[[0, 1, 2, 4]].mean()))
    assert (said.weights, said.varying, said.constant) == (2, 4, 1)
    low, high = float(ratios[[0, 1, 2, 4]].min()), float(ratios[[0, 1, 2, 4]].max())
    assert low <= said.quantiles["0.05"] <= said.quantiles["0.5"] <= high


def test_some_weights_of_every_tensor():
    varying = torch.ones(100, dtype=torch.bool)
    varying[10:60:2] = False
    chosen = some_weights([10, 50, 40], varying, 8, 1, "phi")
    tensors = torch.bucketize(chosen, torch.tensor([9, 59, 99]))
    assert tensors.bincount().tolist() == [8, 8, 8]
    assert bool(varying[chosen].all())
    assert len(chosen.unique()) == 24
    assert_close(chosen, some_weights([10, 50, 40], varying, 8, 1, "phi"))
    assert not torch.equal(chosen, some_weights([10, 50, 40], varying, 8, 2, "phi"))
    assert len(some_weights([10, 50, 40], varying, 30, 1, "phi")) == 10 + 25 + 30
