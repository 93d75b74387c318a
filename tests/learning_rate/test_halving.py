"""Halving against the authors' rule on scripted curves: notes 1802.02550, 4.1 and quirk 12."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small import config, train

from vaelab import checkpoint
from vaelab.errors import UserError
from vaelab.learning_rate.halving import Halving


def rates(rate, losses):
    """The factor in force in each epoch that is trained."""
    found = []
    for epoch, loss in enumerate(losses):
        found.append(rate.factor(epoch))
        rate.observe(epoch, {"bound": -loss})
        if rate.ended:
            break
    return found


def authors(losses, start=15):
    """The rates of the authors' loop, which begins with 1 and counts epochs from 1."""
    rate, best, decay, found = 1.0, 1e5, False, []
    for epoch, loss in enumerate(losses, 1):
        found.append(rate)
        if loss < best:
            best = loss
        elif epoch >= start:
            decay = True
        if decay:
            rate *= 0.5
            if rate < 0.03:
                break
    return found


@given(st.lists(st.integers(80, 110), min_size=1, max_size=40), st.integers(1, 20))
def test_the_authors_rule(losses, start):
    assert rates(Halving(start, 0.03), losses) == authors(losses, start)


def falling(epochs):
    return [100.0 - epoch for epoch in range(epochs)]


def test_by_hand():
    # Epochs 1 to 19 improve, 20 does not: 21 is the first at half the rate, 25 the last.
    losses = falling(19) + [200.0] * 11
    rate = Halving(15, 0.03)
    halves = [0.5, 0.25, 0.125, 0.0625, 0.03125]
    assert rates(rate, losses) == [1.0] * 20 + halves
    assert rate.factor(25) == 0.5**6
    assert rate.ended == "the learning rate has fallen below 0.03 times the first"
    assert not rate.reload


def test_it_never_stops_once_begun():
    """After epoch 15, which is as good as epoch 14, all improve."""
    losses = falling(14) + [87.0] + [50.0 - epoch for epoch in range(10)]
    assert rates(Halving(15, 0.1), losses) == [1.0] * 15 + [0.5, 0.25, 0.125]


def test_an_early_failure_is_forgotten_but_for_the_best():
    """Epoch 3 is the best until 16; those between fail, and only from 15 on it counts."""
    losses = [100.0, 99.0, 50.0] + [60.0 - epoch for epoch in range(11)]  # epoch 14: still 50
    assert rates(Halving(15, 0.03), [*losses, 49.0, 48.0]) == [1.0] * 16
    assert rates(Halving(15, 0.03), [*losses, 50.0, 48.0, 47.0]) == [1.0] * 15 + [0.5, 0.25]


def test_it_may_have_no_end():
    rate = Halving(1, 0.0)
    assert rates(rate, [1.0] * 40)[-1] == 0.5**38
    assert rate.ended is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"start": 0}, r"learning_rate\.start=0: must be at least 1"),
        ({"least": -0.1}, r"learning_rate\.least=-0\.1: must be 0 \(never\) or more"),
        ({"least": 1.0}, r"learning_rate\.least=1: must be 0 \(never\) or more, and below 1"),
    ],
)
def test_refuses_what_makes_no_sense(wrong, words):
    with pytest.raises(UserError, match=words):
        Halving(**{"start": 15, "least": 0.03} | wrong)


def test_a_run_halves_its_rates_and_ends(tmp_path):
    """At a rate that spoils every epoch but the first; weights and optimisers go on."""
    words = ["optimizer.phi.lr=0.2", "optimizer.theta.lr=0.2", "beta=constant", "epochs=30"]
    words += ["learning_rate=halving", "learning_rate.start=1", "learning_rate.least=0.1"]
    task = train(tmp_path, config(*words))
    rows = [line.split(",") for line in (tmp_path / "metrics.csv").read_text().split()]
    seen = [float(row[rows[0].index("lr/phi")]) for row in rows[1:]]
    assert [rate for rate, _ in itertools.groupby(seen)] == [0.2, 0.1, 0.05, 0.025]
    assert [len(list(group)) for _, group in itertools.groupby(seen)][1:] == [1, 1, 1]
    assert task.progress.epoch < 30
    last = checkpoint.read(tmp_path / "checkpoints/last.ckpt")
    assert all(content["state"] for content in last["optimizers"].values())
