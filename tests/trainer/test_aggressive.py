"""The inner loop against the authors' pseudo-code, and who moves when."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small import config, make_task

from vaelab.batch import Batch
from vaelab.errors import UserError
from vaelab.trainer.aggressive import Aggressive


class Script:
    """A learner whose losses are written down beforehand."""

    def __init__(self, losses):
        self.losses = iter(losses)
        self.descents = []

    def descend(self, batch, *groups):
        self.descents.append((batch, groups))
        return SimpleNamespace(loss=torch.tensor(next(self.losses), dtype=torch.float64))

    def random_batch(self):
        return outer()

    def ratio_over_ranks(self, total, count):
        return float(total / count)


def outer():
    return Batch(torch.zeros(50, 1), torch.arange(50))


def authors_steps(losses, window, size=50):
    """Encoder steps of the authors' loop: notes 1901.05534, section 1.2, image form."""
    sub, total, count, previous = 1, 0.0, 0, 1e4
    for loss in losses:
        total += loss * size
        count += size
        if sub % window == 0:
            current = total / count
            if current > previous:
                return sub
            previous, total, count = current, 0.0, 0
        sub += 1
        if sub == 100:
            return 99
    raise AssertionError("not enough losses")


def make(window=10, patience=5, compare="best"):
    return Aggressive(window=window, max_inner_steps=99, patience=patience, compare=compare)


@given(
    st.lists(st.floats(50, 200), min_size=12, max_size=12),
    st.integers(0, 2**31),
    st.sampled_from([10, 15]),
)
def test_inner_loop_makes_the_authors_number_of_steps(levels, seed, window):
    noise = torch.randn(120, generator=torch.Generator().manual_seed(seed)) * 5
    losses = [levels[i // 10] + float(noise[i]) for i in range(120)]
    batch = outer()
    assert make(window).inner_loop(Script(losses), batch) == authors_steps(losses, window)


@pytest.mark.parametrize(
    ("losses", "steps"),
    [
        ([90.0] * 99, 99),  # equality goes on
        ([90.0] * 10 + [91.0] * 90, 20),  # the earliest stop: two windows
        ([90.0] * 10 + [80.0] * 10 + [80.5] * 90, 30),
        ([100.0 - i / 10 for i in range(120)], 99),
    ],
)
def test_inner_loop_by_hand(losses, steps):
    batch = outer()
    assert make().inner_loop(Script(losses), batch) == steps


def test_first_inner_batch_is_the_outer_one_and_the_decoder_steps_once():
    learner, first = Script([90.0] * 120), outer()
    make().update(learner, first)
    assert learner.descents[0] == (first, ("phi",))
    assert all(groups == ("phi",) for _, groups in learner.descents[:-1])
    assert all(batch is not first for batch, _ in learner.descents[1:-1])
    assert learner.descents[-1] == (first, ("theta",))
    assert len(learner.descents) == 100


def ended_after(strategy, values):
    for number, mi in enumerate(values, 1):
        strategy.observe({"mi": mi})
        if not strategy.state["on"]:
            return number
    return None


def test_images_stop_after_five_epochs_below_the_best_counted_over_the_run():
    values = [1.0, 0.9, 2.0, 1.9, 2.1, 2.0, 3.0, 2.0, 2.5, 3.5]
    assert ended_after(make(), values) == 9  # misses at epochs 2, 4, 6, 8, 9: never reset


def test_texts_stop_at_the_first_fall_below_the_previous_epoch():
    assert ended_after(make(patience=1, compare="previous"), [1.0, 2.0, 2.0, 1.9]) == 4


def test_a_negative_first_estimate_counts_as_a_fall():
    assert ended_after(make(patience=1, compare="previous"), [-0.01]) == 1


def test_once_over_it_is_joint_for_good():
    strategy = make(patience=1)
    strategy.observe({"mi": -1.0})
    strategy.observe({"mi": 5.0})
    assert not strategy.state["on"]
    learner, batch = Script([1.0]), outer()
    strategy.update(learner, batch)
    assert learner.descents == [(batch, ("phi", "theta"))]


def test_state_travels_in_the_state_dict():
    strategy, other = make(), make()
    strategy.state.update(on=False, reference_mi=2.5, misses=3)
    other.load_state_dict(strategy.state_dict())
    assert other.state == strategy.state
    assert other.state["reference_mi"] == 2.5


def test_rows_that_another_process_counts_end_no_loop():
    """Windows of two: means 100, 90 of the counted, then 95; with those of weight 0 the second
    would be far above the first."""
    borrowed = outer()._replace(weight=0.0)
    assert (borrowed.counted, borrowed.units, outer().counted) == (0, 0, 50)
    assert borrowed._replace(predicted=7).units == 0

    class Sharing(Script):
        batches = iter([outer(), borrowed, outer(), outer(), outer()])

        def random_batch(self):
            return next(self.batches)

    # Steps: own, own | borrowed, own | own, own
    learner = Sharing([100.0, 100.0, 1e6, 90.0, 95.0, 95.0])
    assert make(window=2).inner_loop(learner, outer()) == 6


def test_with_vamp_the_inner_loop_moves_the_components_but_not_the_pseudo_inputs():
    task = make_task(config("trainer=aggressive", "prior=vamp", "prior.components=7"))
    u = task.vae.prior.u.detach().clone()
    means = task.vae.prior(task.vae.encoder).mean.detach().clone()
    task.inference.inner_loop(task, task.batch_at(0))
    assert torch.equal(u, task.vae.prior.u)
    assert not torch.allclose(means, task.vae.prior(task.vae.encoder).mean)
    task.descend(task.batch_at(0), "theta")
    assert not torch.equal(u, task.vae.prior.u)


def test_over_it_is_the_plain_vae_bit_for_bit():
    ended, joint = make_task(config("trainer=aggressive")), make_task(config("trainer=joint"))
    ended.inference.state["on"] = False
    for step in range(4):
        ended.update(step)
        joint.update(step)
    assert all(torch.equal(a, b) for a, b in zip(ended.everything, joint.everything, strict=True))


def test_while_it_lasts_the_outer_step_leaves_the_encoder_where_the_loop_left_it():
    task = make_task(config("trainer=aggressive", "clip_norm=5", "trainer.max_inner_steps=3"))
    moved = []
    descend = task.descend

    def noted(batch, *groups):
        before = [[p.detach().clone() for p in task.groups[g]] for g in ("phi", "theta")]
        found = descend(batch, *groups)
        after = [task.groups[g] for g in ("phi", "theta")]
        same = [all(map(torch.equal, a, b)) for a, b in zip(before, after, strict=True)]
        moved.append((groups, same))
        return found

    task.descend = noted
    task.update(0)
    assert moved == [(("phi",), [False, True])] * 3 + [(("theta",), [True, False])]


def test_the_cost_of_the_phase_is_told_by_epoch_and_by_run():
    strategy = make()
    for epoch, steps in enumerate([(20, 40), (30,)]):
        for count in steps:
            # Every window is better than the one before, but for the last.
            better = [100.0 - step // 10 for step in range(count - 10)]
            strategy.update(Script([*better, *[200.0] * 10, 1.0]), outer())
        assert strategy.row(epoch) == {"encoder_steps": sum(steps) / len(steps)}
        strategy.observe({"mi": 1.0 + epoch})
    assert strategy.cost()["inner_steps_per_decoder_step"] == 30
    assert strategy.cost()["aggressive_epochs"] == 2
    assert strategy.cost()["aggressive_over"] is False
    strategy.state["on"] = False
    strategy.update(Script([1.0]), outer())
    assert strategy.row(2) == {"encoder_steps": 1.0}
    assert strategy.cost()["aggressive_epochs"] == 2


def test_counts_of_updates_show_the_inner_loops_cost():
    task = make_task(config("trainer=aggressive"))
    task.update(0)
    progress = task.progress
    assert progress.decoder_updates == 1
    assert 20 <= progress.encoder_updates <= 99
    assert progress.updates == 1


@pytest.mark.parametrize("name", ["window", "max_inner_steps", "patience"])
def test_refuses_what_makes_no_sense(name):
    arguments = {"window": 10, "max_inner_steps": 99, "patience": 5, "compare": "best", name: 0}
    with pytest.raises(UserError, match=rf"trainer.{name}=0: must be at least 1"):
        Aggressive(**arguments)
