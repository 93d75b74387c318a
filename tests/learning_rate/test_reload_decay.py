"""Decay with reload against the authors' rules on scripted curves: notes 1901.05534, 1.5."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small import config, train

from vaelab import checkpoint
from vaelab.errors import UserError
from vaelab.learning_rate.reload_decay import ReloadDecay


def make(**changed):
    text = {"decay": 0.5, "patience": 2, "start": 15, "most": 5, "compare": "last"}
    return ReloadDecay(**{**text, **changed})


def decays(rate, losses):
    """Epochs, from 0, after which the rate decayed, until training is over."""
    found = []
    for epoch, loss in enumerate(losses):
        rate.observe(epoch, {"bound": -loss})
        if rate.reload:
            found.append(epoch)
        if rate.ended:
            break
    return found


def authors_text(losses, patience=2, start=15):
    """The text rule as the notes write it, with its own tracker."""
    tracker, bad, found = 1e4, 0, []
    for epoch, loss in enumerate(losses):
        if loss > tracker:
            bad += 1
            if bad >= patience and epoch >= start:
                tracker, bad = loss, 0
                found.append(epoch)
        else:
            bad, tracker = 0, loss
        if len(found) == 5:
            break
    return found


def authors_image(losses, patience=20):
    """The image rule: epochs worse than the best, which is brought up to date first."""
    best, bad, found = 1e4, 0, []
    for epoch, loss in enumerate(losses):
        best = min(best, loss)
        if loss > best:
            bad += 1
            if bad >= patience:
                bad = 0
                found.append(epoch)
        else:
            bad = 0
        if len(found) == 5:
            break
    return found


losses = st.lists(st.integers(90, 110), min_size=60, max_size=140)


@given(losses)
def test_text_rule(values):
    assert decays(make(), values) == authors_text(values)


@given(losses, st.integers(1, 20))
def test_image_rule(values, patience):
    rate = make(compare="best", patience=patience, start=0)
    assert decays(rate, values) == authors_image(values, patience)


def test_by_hand_text():
    # Bad epochs 1, 2, ... count before epoch 15, which is the first that may decay.
    rising = [100.0 + i for i in range(40)]
    # After the decay in 15 the tracker is 115: 16 and 17 are bad, then 18 and 19, ...
    assert decays(make(), rising) == [15, 17, 19, 21, 23]
    assert make().factor(0) == 1


def test_by_hand_image():
    flat = [90.0] + [91.0] * 200
    rate = make(compare="best", patience=20, start=0)
    assert decays(rate, flat) == [20, 40, 60, 80, 100]
    assert rate.factor(100) == 0.5**5
    assert rate.ended == "the learning rate has decayed 5 times"


def test_an_equal_loss_is_not_bad():
    assert decays(make(start=0, patience=1), [90.0] * 50) == []


@pytest.mark.parametrize(
    "wrong", [{"decay": 1.0}, {"decay": 0.0}, {"patience": 0}, {"start": -1}, {"most": 0}]
)
def test_refuses_what_makes_no_sense(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(UserError, match=rf"learning_rate\.{name}={value}: must"):
        make(**wrong)


def test_a_decay_brings_back_the_best_weights_and_new_optimisers(tmp_path):
    """At a rate that spoils every later epoch, each decay ends at the weights of the first."""
    rates = ["optimizer.phi.lr=0.2", "optimizer.theta.lr=0.2", "beta=constant"]
    decay = ["learning_rate=reload_decay", "learning_rate.patience=1", "learning_rate.most=2"]
    task = train(tmp_path, config(*rates, *decay, "epochs=30"))
    best = checkpoint.read(tmp_path / "checkpoints/best.ckpt")
    rows = [line.split(",") for line in (tmp_path / "metrics.csv").read_text().split()]
    column = rows[0].index("lr/phi")
    seen = [float(row[column]) for row in rows[1:]]
    assert [rate for rate, _ in itertools.groupby(seen)] == [0.2, 0.1]
    assert best["progress"]["epoch"] < task.progress.epoch < 30
    for name, value in task.vae.state_dict().items():
        assert torch.equal(value, best["model"][f"vae.{name}"])
    last = checkpoint.read(tmp_path / "checkpoints/last.ckpt")
    assert all(not content["state"] for content in last["optimizers"].values())
