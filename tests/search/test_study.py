"""Who is at which trial, however processes end; and locks that the dead do not keep."""

import json
import os
import time

import pytest
from optuna.trial import TrialState

from search.forks import fork, kill, wait_for
from vaelab.search.lock import FileLock, JournalLock
from vaelab.search.read import parameters
from vaelab.search.spec import Spec
from vaelab.search.study import Study


@pytest.fixture
def make(tmp_path):
    def study(trials=4, **own):
        space = parameters({"a": ["x", "y", "z"], "b": {"low": 0.0, "high": 1.0}})
        return Study(tmp_path / "study", Spec("s", tmp_path, space, {}, trials=trials, **own))

    return study


def child(work) -> int:
    """A process that does something and then waits to be killed."""
    process = fork()
    if process == 0:
        work()
        time.sleep(60)
        os._exit(0)
    return process


def test_complete_and_pruned_count_and_failures_do_not(make):
    study = make(trials=2)
    study.fail(study.claim(), "no")
    study.finish(study.claim(), -3.0)
    pruned = study.claim()
    pruned.report(-5.0, 1)
    study.finish(pruned, None)
    assert study.claim() is None
    assert study.done == 2
    assert study.best.value == -3.0
    again = make(trials=3)  # another process, later, with a greater total
    assert again.done == 2
    assert again.claim() is not None
    assert again.claim() is None  # the one that is running counts


def test_a_killed_trial_is_taken_up_with_its_settings(make, tmp_path):
    study = make()

    def work():
        own = make()
        with own.working():
            own.claim()
            (tmp_path / "claimed").touch()
            time.sleep(60)

    process = child(work)
    wait_for((tmp_path / "claimed").exists)
    with study.working():
        other = study.claim()  # the first process lives: this is another trial
        assert other.number == 1
        kill(process)
        killed = study.of(TrialState.RUNNING)[0]
        taken = study.claim()
        assert taken.user_attrs["settings"] == killed.user_attrs["settings"]
        assert taken.user_attrs["continues"] == killed.number == 0
        # Only two trials stand for themselves, and no dead process is remembered.
        assert [one.number for one in study.trials] == [1, 2]
        assert os.listdir(study.folder / "workers") == [study.worker]
    assert os.listdir(study.folder / "workers") == []


def test_proposals_are_the_same_after_a_kill(make, tmp_path):
    """The third trial of a study whose second was killed is that of one which never was."""

    def third(folder, killed):
        space = parameters({"b": {"low": 0.0, "high": 1.0}})
        study = Study(tmp_path / folder, Spec("s", tmp_path, space, {}))
        for number in range(2):
            trial = study.claim()
            if killed and number == 1:
                study.worker = "another"  # as a new process would be
                trial = study.claim()
            study.finish(trial, float(number))
        return study.claim().user_attrs["settings"]

    assert third("whole", False) == third("cut", True)


def test_a_grid_is_walked_once(make, tmp_path):
    space = parameters({"a": ["x", "y"], "b": {"values": [1, 2], "when": {"a": "x"}}})
    study = Study(tmp_path / "grid", Spec("s", tmp_path, space, {}, sampler="grid"))
    drawn = []
    while (trial := study.claim()) is not None:
        drawn.append(tuple(trial.user_attrs["settings"].values()))
        if trial.number == 1:
            study.fail(trial, "no")  # not tried again
        else:
            study.finish(trial, 0.0)
    assert drawn == [("x", "1"), ("x", "2"), ("y",)]


def test_the_journals_lock_goes_with_its_holder(make, tmp_path):
    """Optuna's own would be waited for, 30 s or for ever."""
    study = make()
    journal = study.folder / "journal.log"

    def work():
        with JournalLock(journal), FileLock(study.folder / "asking.lock"):
            (tmp_path / "held").touch()
            time.sleep(60)

    process = child(work)
    wait_for((tmp_path / "held").exists)
    assert not FileLock(study.folder / "asking.lock").try_acquire()
    kill(process)
    began = time.monotonic()
    study.finish(study.claim(), 0.0)
    assert time.monotonic() - began < 2


def test_a_torn_line_of_the_journal_is_cut_off(make):
    study = make()
    study.finish(study.claim(), 1.0)
    journal = study.folder / "journal.log"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code":5,"worke')
    again = make()
    again.finish(again.claim(), 2.0)
    assert make().done == 2
    lines = journal.read_bytes().splitlines()
    assert all(json.loads(line) for line in lines)
    assert journal.read_bytes().startswith(whole)
