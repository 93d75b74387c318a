"""Paths: where they turn, which example is shown, and that a real one turns exactly there."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from small import config, train

from tests.diagnosis.lags import recorded
from tests.diagnosis.subjects import no_bar
from vaelab.diagnosis.lag_records import read
from vaelab.diagnosis.posterior_trajectory import PosteriorTrajectory, corners
from vaelab.errors import UserError
from vaelab.seeding import noise
from vaelab.task import Task
from vaelab.trainer.aggressive import Aggressive
from vaelab.watch.posterior_lag import PosteriorLag

X = [[0.0, 5.0], [1.0, 5.1], [2.0, 5.3], [4.0, 5.4]]
Y = [[0.0, 0.0], [0.5, 0.1], [1.5, 0.2], [3.5, 0.4]]


def of_example(path, example):
    return [tuple(point) for point in path[:, example].tolist()]


def test_joint_paths_are_straight(tmp_path):
    path = corners(read(recorded(tmp_path, "a", X, Y, [0, 1, 2, 3])))
    assert of_example(path, 0) == [(0, 0), (1, 0.5), (2, 1.5), (4, 3.5)]


def test_aggressive_paths_go_up_and_then_across_while_the_phase_lasts(tmp_path):
    """The phase is over after the second update."""
    path = corners(read(recorded(tmp_path, "a", X, Y, [0, 1, 2, 3], [0, 30, 75, 76])))
    assert of_example(path, 0) == [(0, 0), (0, 0.5), (1, 0.5), (1, 1.5), (2, 1.5), (4, 3.5)]
    assert of_example(path, 1)[1:4] == [(5.0, 0.1), (5.1, 0.1), (5.1, 0.2)]


def test_records_that_are_farther_apart_have_no_corner(tmp_path):
    path = corners(read(recorded(tmp_path, "a", X, Y, [0, 2, 3, 4], [0, 60, 90, 91])))
    assert of_example(path, 0) == [(0, 0), (1, 0.5), (1, 1.5), (2, 1.5), (4, 3.5)]


def test_corners_of_a_real_run_are_where_the_means_were_between_the_steps(tmp_path, monkeypatch):
    """Looked at once more when the inner loop has ended and the decoder has not yet moved."""
    words = ["architecture.latent_dim=1", "epochs=2", "trainer=aggressive",
             "trainer.max_inner_steps=3"]  # fmt: skip
    watch = ["watch=posterior_lag", "watch.examples=9", "watch.grid=[-4,4,0.5]", "watch.every=1"]
    between, watches = [], []
    record, inner_loop = PosteriorLag.record, Aggressive.inner_loop

    def recording(self, watched):
        watches.append((self, watched))
        return record(self, watched)

    def looking(strategy, learner, batch):
        steps = inner_loop(strategy, learner, batch)
        assert isinstance(learner, Task)
        self, watched = watches[-1]
        learner.vae.eval()
        with torch.no_grad(), noise(learner.device, watched.seed, "watch"):
            now = record(self, replace(watched, vae=learner.vae))
        learner.vae.train()
        between.append(torch.stack([now["model"], now["encoder"]], -1).numpy())
        return steps

    monkeypatch.setattr(PosteriorLag, "record", recording)
    monkeypatch.setattr(Aggressive, "inner_loop", looking)
    train(tmp_path / "run", config(*words, *watch))
    subject = recorded(tmp_path, "other", X, Y, [0, 1, 2, 3])
    subject = replace(subject, run=type(subject.run)(tmp_path / "run"))
    path = corners(read(subject))
    assert len(between) == 8
    assert np.array_equal(path[1::2], np.stack(between))
    assert len(np.unique(path[:, 0, 0])) == len(np.unique(path[:, 0, 1])) == 9


def shown(folder, subjects, points=(0, 3), example=None):
    made = PosteriorTrajectory(points, example)
    written = made(subjects, folder, no_bar)
    assert [path.suffix for path in written] == [".png", ".json"]
    assert all(path.is_file() for path in written)
    return json.loads((folder / "posterior_trajectory.json").read_text())["runs"], made


def test_the_example_is_the_one_that_moves_farthest_or_the_one_named(tmp_path):
    both = [
        recorded(tmp_path, "joint", X, Y, [0, 1, 2, 3], index=[7, 3]),
        recorded(tmp_path, "aggressive", X, Y, [0, 1, 2, 3], [0, 30, 75, 76], index=[7, 3]),
    ]
    found, made = shown(tmp_path, both)
    assert (found["joint"]["example"], found["joint"]["row"]) == (0, 7)
    assert found["aggressive"]["model"] == [0, 0, 1, 1, 2, 4]
    assert made.summary(tmp_path)[0] == "joint: example 0 (model, encoder) (0, 0) to (4, 3.5)"
    assert shown(tmp_path, both, example=1)[0]["joint"]["row"] == 3


def test_what_cannot_be_drawn_is_refused(tmp_path):
    one = recorded(tmp_path, "a", X, Y, [0, 1, 2, 3])
    with pytest.raises(UserError, match=r"a: the path has 4 points; choose fewer with points="):
        shown(tmp_path, [one], points=(2, 4))
    with pytest.raises(UserError, match="example=2: 2 were recorded"):
        shown(tmp_path, [one], example=2)
    other = recorded(tmp_path, "b", X, Y, [0, 1, 2, 3], index=[1, 0])
    with pytest.raises(UserError, match="recorded different examples"):
        shown(tmp_path, [one, other])
    for points in ((3, 3), (-1, 2)):
        with pytest.raises(UserError, match=r"points=.*ascending"):
            PosteriorTrajectory(points, None)
    with pytest.raises(UserError, match="example=-1"):
        PosteriorTrajectory((0, 1), -1)
