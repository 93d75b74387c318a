"""Snapshots: the weights that training had after an epoch, whole and the same after any kill."""

import pytest
from small import config, timeless, train

from tests.test_resume import assert_same
from vaelab import checkpoint
from vaelab.callback.checkpointing import Checkpointing
from vaelab.task import Task


def kept(folder):
    """Contents by file name, without how long it took."""
    found = {}
    for path in sorted((folder / "checkpoints").glob("epoch-*.ckpt")):
        content = checkpoint.read(path)
        timeless(content)
        found[path.name] = content
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    train(folder, config("epochs=4", "snapshots=[1,3,9]"))
    return folder


def test_each_holds_the_weights_of_its_epoch(whole, tmp_path):
    found = kept(whole)
    assert list(found) == ["epoch-1.ckpt", "epoch-3.ckpt"]
    assert [content["progress"]["epoch"] for content in found.values()] == [1, 3]
    assert "optimizers" not in found["epoch-1.ckpt"]
    for epoch in (1, 3):  # a run that ends there has these weights
        task = train(tmp_path / str(epoch), config(f"epochs={epoch}"))
        assert_same(dict(found[f"epoch-{epoch}.ckpt"]["model"]), dict(task.state_dict()))


def test_without_the_setting_nothing_is_kept(tmp_path):
    train(tmp_path, config("epochs=1"))
    assert kept(tmp_path) == {}


class Killed(BaseException):
    pass


@pytest.mark.parametrize("update", [5, 11])  # of 4 an epoch: between any two files
@pytest.mark.parametrize("every", [0.0, 1e9])  # a checkpoint after every epoch, or none at all
def test_a_run_that_was_cut_ends_with_the_same(whole, tmp_path, monkeypatch, update, every):
    monkeypatch.setattr(Checkpointing.__init__, "__defaults__", (every, every))
    settings = config("epochs=4", "snapshots=[1,3,9]")
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
    assert_same(kept(tmp_path), kept(whole))


def test_a_file_is_whole_or_not_there(whole, tmp_path, monkeypatch):
    settings = config("epochs=4", "snapshots=[1,3,9]")

    def dying(source, target):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.os, "replace", dying)
        with pytest.raises(Killed):
            train(tmp_path, settings)
    assert kept(tmp_path) == {}
    train(tmp_path, settings)
    assert_same(kept(tmp_path), kept(whole))
