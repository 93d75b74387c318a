"""Laws of every schedule: a pure function, settled after its warm-up, constant by epoch."""

import pytest

from tests.laws.components import build, options, read

SCHEDULES = pytest.mark.parametrize("option", options("schedule"))


def units(option):
    """The option with either unit, where it has one."""
    _, arguments = read("schedule", option)
    return ["epoch", "step"] if "by" in arguments else [None]


def every(option):
    return [build("schedule", option, **({"by": by} if by else {})) for by in units(option)]


@SCHEDULES
def test_weights_are_never_negative_and_depend_on_nothing_but_the_position(option):
    for schedule in every(option):
        betas = [schedule.beta(e, s, 7) for e in range(60) for s in range(7)]
        assert min(betas) >= 0
        again = [schedule.beta(e, s, 7) for e in reversed(range(60)) for s in reversed(range(7))]
        assert again[::-1] == betas


@SCHEDULES
def test_after_the_warmup_beta_never_changes(option):
    for schedule in every(option):
        last = schedule.at(1e6)
        positions = [schedule.warmup + 1e-9, schedule.warmup + 0.3, schedule.warmup + 100]
        assert [schedule.at(p) for p in positions] == pytest.approx([last] * 3, abs=1e-8)
        if schedule.warmup > 0:
            assert schedule.at(schedule.warmup - 0.1) != pytest.approx(last, abs=1e-6)


@SCHEDULES
def test_by_epoch_is_constant_within_an_epoch_and_meets_by_step_at_its_end(option):
    schedules = dict(zip(units(option), every(option), strict=True))
    by_epoch = schedules.get("epoch", schedules.get(None))
    for epoch in range(45):
        betas = {by_epoch.beta(epoch, step, 11) for step in range(11)}
        assert betas == {by_epoch.at(epoch + 1.0)}
        for schedule in schedules.values():
            assert schedule.beta(epoch, 10, 11) == pytest.approx(by_epoch.beta(epoch, 0, 11))
