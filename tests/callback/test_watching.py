"""Watching changes nothing of training, and what it writes is the same after any kill."""

import numpy as np
import pytest
import torch
from small import config, timeless, train

from tests.test_resume import assert_same
from vaelab.callback.checkpointing import Checkpointing
from vaelab.checkpoint import read
from vaelab.errors import UserError
from vaelab.task import Task
from vaelab.watch import records

# 4 updates an epoch; images are binarised at every use, at every look as at the first.
RUN = ["architecture.latent_dim=1", "epochs=3"]
WATCH = [
    "watch=posterior_lag", "watch.examples=9", "watch.grid=[-4,4,0.5]", "watch.mixture=4",
    "watch.updates=[0,1,6]",
]  # fmt: skip
UPDATES = [0, 1, 4, 6, 8, 12]


def seen(folder):
    return records.read(records.path_of(folder, "posterior_lag"))


def same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert np.array_equal(a[name], b[name]), name


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    return folder, train(folder, config(*RUN, *WATCH))


def test_records_are_of_the_updates_asked_for_and_of_epochs_ends(whole):
    found = seen(whole[0])
    assert found["update"].tolist() == UPDATES
    assert found["encoder_updates"].tolist() == found["decoder_updates"].tolist() == UPDATES
    assert found["model"].shape == found["encoder"].shape == (len(UPDATES), 9)
    assert (found["index"] == found["index"][0]).all()
    assert len(np.unique(found["model"], axis=0)) == len(UPDATES)


@pytest.mark.parametrize("trainer", ["joint", "aggressive"])
def test_training_is_bit_for_bit_what_it_is_without(whole, tmp_path, trainer):
    words = [*RUN, f"trainer={trainer}"]
    words += ["trainer.max_inner_steps=3"] if trainer == "aggressive" else []
    watched = whole[0] if trainer == "joint" else tmp_path / "watched"
    if trainer == "aggressive":
        train(watched, config(*words, *WATCH))
        found = seen(watched)
        assert found["encoder_updates"].tolist() == [3 * update for update in UPDATES]
        assert found["decoder_updates"].tolist() == UPDATES
    train(tmp_path / "plain", config(*words))
    for name in ("last", "best"):
        one, other = (read(folder / f"checkpoints/{name}.ckpt") for folder in (
            watched, tmp_path / "plain"))  # fmt: skip
        for content in (one, other):
            timeless(content)
            content.pop("callbacks", None)
        assert_same(one, other)
    assert seen(tmp_path / "plain") is None


def test_it_looks_in_evaluation_mode_and_leaves_modes_and_noise_alone(whole, tmp_path, monkeypatch):
    modes, draws = [], []

    def looking(watch, watched):
        modes.append([part.training for part in watched.vae.modules()])
        draws.append(torch.rand(1))
        return {}

    monkeypatch.setattr("vaelab.watch.posterior_lag.PosteriorLag.record", looking)
    update = Task.update

    def checked(task, step):
        assert all(part.training for part in task.vae.modules())
        update(task, step)

    monkeypatch.setattr(Task, "update", checked)
    train(tmp_path, config(*RUN, *WATCH))
    assert len(modes) == len(UPDATES)
    assert not any(map(any, modes))
    assert len(torch.cat(draws).unique()) == 1  # the same noise every time


class Killed(BaseException):
    pass


@pytest.mark.parametrize("update", [2, 5, 7, 11])  # inside an epoch, and the first of one
@pytest.mark.parametrize("every", [0.0, 1e9])  # a checkpoint after every update, or none at all
def test_a_run_that_was_cut_has_the_same_records(whole, tmp_path, monkeypatch, update, every):
    monkeypatch.setattr("vaelab.batches.Blocks.size", lambda self: 1)
    monkeypatch.setattr(Checkpointing.__init__, "__defaults__", (every, every))
    settings = config(*RUN, *WATCH)
    step, made = Task.update, []

    def dying(task, number):
        made.append(number)
        if len(made) == update:
            raise Killed
        step(task, number)

    with monkeypatch.context() as patch:
        patch.setattr(Task, "update", dying)
        with pytest.raises(Killed):
            train(tmp_path, settings)
    train(tmp_path, settings)
    same(seen(tmp_path), seen(whole[0]))


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_file_is_whole_or_not_there(whole, tmp_path, monkeypatch, number):
    settings, made = config(*RUN, *WATCH), []
    save = np.savez

    def dying(file, **arrays):
        made.append(file)
        if len(made) == number:
            file.write(b"half")
            raise Killed
        save(file, **arrays)

    with monkeypatch.context() as patch:
        patch.setattr(records.np, "savez", dying)
        with pytest.raises(Killed):
            train(tmp_path, settings)
    before = seen(tmp_path)
    assert (0 if before is None else len(before["update"])) == [0, 3, 5][number - 1]
    train(tmp_path, settings)
    same(seen(tmp_path), seen(whole[0]))


def test_a_damaged_file_is_one_clear_line(tmp_path):
    path = records.path_of(tmp_path, "posterior_lag")
    assert records.read(path) is None
    path.parent.mkdir()
    path.write_bytes(b"PK not a zip")
    with pytest.raises(UserError, match=r"posterior_lag\.npz: damaged; train the run again"):
        records.read(path)
