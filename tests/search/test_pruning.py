"""Runs that are ended early: never by what the warm-up says, in the right order, and resumable."""

from pathlib import Path

import pytest
import small

from vaelab.bound.elbo import Elbo
from vaelab.bound.switch import Switch
from vaelab.callback.history import read
from vaelab.callback.pruning import Pruning, comparable, first_comparable
from vaelab.cli import main
from vaelab.errors import Pruned
from vaelab.runs.run import Run
from vaelab.search import samplers
from vaelab.search.read import parameters
from vaelab.search.spec import Spec
from vaelab.search.study import Study


def elbo():
    return Elbo(num_samples=1, kl="sampled", free_bits=0.0, log_qz="total")


def test_epochs_are_comparable_after_the_warm_up_and_the_last_change_of_the_bound():
    assert first_comparable(0, 0, elbo(), 50) == 1
    assert first_comparable(0, 10, elbo(), 50) == 11
    assert first_comparable(5, 10, elbo(), 50) == 16
    # 0.6 of 50 epochs are the first bound's: epoch 31 is the first of the second.
    changing = Switch(elbo(), elbo(), 0.6, 50)
    assert first_comparable(0, 10, changing, 50) == 31
    assert first_comparable(5, 40, changing, 50) == 46


def test_what_is_no_number_is_not_compared():
    rows = [{"epoch": 1.0, "b": -3.0}, {"epoch": 2.0}, {"epoch": 3.0, "b": -2.0}]
    assert comparable(rows, "b", 1) == {1: -3.0, 3: -2.0}
    assert comparable(rows, "b", 2) == {3: -2.0}


def test_a_curve_below_the_median_is_pruned_and_one_above_is_not(tmp_path):
    """Five whole curves with -1 to -5 at every epoch, then -3.5 (worse than -3) and -2.5."""
    space = parameters({"x": {"low": 0.0, "high": 1.0}})
    study = Study(tmp_path, Spec("s", tmp_path, space, {}))
    for level in (-1.0, -2.0, -3.0, -4.0, -5.0):
        trial = study.claim()
        for epoch in range(11, 21):
            trial.report(level, epoch)
            assert not trial.should_prune()  # the first five are whole, whatever they say
        study.finish(trial, level)
    for level, pruned in ((-3.5, True), (-2.5, False)):
        trial = study.claim()
        trial.report(level, 11)
        assert trial.should_prune() == pruned
        study.finish(trial, None if pruned else level)
    trial = study.claim()
    trial.report(-99.0, 5)  # nobody else has this epoch: its warm-up is shorter
    assert not trial.should_prune()


def test_a_run_is_judged_after_its_warm_up_and_goes_on_from_where_it_was_pruned(tmp_path):
    config = small.config("epochs=6", "beta.warmup=2", "architecture.hidden=[4]")
    small.train(tmp_path / "whole", config)
    told = []

    def judge(epoch, bound):
        told.append((epoch, bound))
        return epoch == 4

    with pytest.raises(Pruned, match="after epoch 4"):
        small.train(tmp_path / "cut", config, extra=(Pruning(judge),))
    assert [epoch for epoch, _ in told] == [3, 4]
    assert (tmp_path / "cut/checkpoints/last.ckpt").is_file()
    # Again, as a search would that finds the run pruned: judged by what is there, at no cost.
    with pytest.raises(Pruned):
        small.train(tmp_path / "cut", config, extra=(Pruning(judge),))
    assert told[2:] == told[:2]
    kept = bounds(tmp_path / "cut")
    assert len(kept) == 4
    small.train(tmp_path / "cut", config)
    assert bounds(tmp_path / "cut") == bounds(tmp_path / "whole")
    assert told[0][1] == bounds(tmp_path / "whole")[2]


def test_nothing_ends_in_the_first_tenth_of_its_epochs(tmp_path):
    told = []

    def judge(epoch, bound):
        told.append(epoch)
        return True

    config = small.config("epochs=20", "beta=constant", "architecture.hidden=[4]")
    with pytest.raises(Pruned, match="after epoch 3"):
        small.train(tmp_path, config, extra=(Pruning(judge),))
    assert told == [1, 2, 3]  # the study hears of all


def test_a_run_in_its_last_epoch_is_complete(tmp_path):
    extra = (Pruning(lambda epoch, bound: epoch == 3),)
    small.train(tmp_path, small.config("beta=constant", "architecture.hidden=[4]"), extra=extra)


def test_the_command_prunes_and_train_finishes(bench, capsys, monkeypatch):
    """Grid order: two good runs, then two bad ones, which end in their first epoch."""
    monkeypatch.setattr(samplers, "UNPRUNED", 2)
    monkeypatch.setattr(samplers, "COMPARED", 1)
    (bench / "space.yaml").write_text(
        "space:\n  clip_norm: [3, 3.1, 90, 91]\nsettings: {epochs: 4}\n"
        "sampler: grid\npruner: median\n"
    )
    assert main(["search", "space=space.yaml"]) == 0
    assert "4 of 4 trials, 2 of them pruned" in capsys.readouterr().out
    statuses = [Run(Path(path).parent).status for path in bench.glob("outputs/train/**/starts")]
    assert sorted(statuses) == ["complete"] * 2 + ["pruned"] * 2
    assert main(["train", "epochs=4", "clip_norm=90"]) == 0
    assert "resuming" in capsys.readouterr().out
    statuses = [Run(Path(path).parent).status for path in bench.glob("outputs/train/**/starts")]
    assert sorted(statuses) == ["complete"] * 3 + ["pruned"]


def bounds(folder):
    return [row["val/bound"] for row in read(folder / "metrics.csv")]
