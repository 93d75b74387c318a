"""Which records are shown, their numbers, the files, and who is refused."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.diagnosis.lags import recorded
from tests.diagnosis.subjects import no_bar
from vaelab.diagnosis.base import Subject
from vaelab.diagnosis.posterior_lag import PosteriorLag
from vaelab.errors import UserError
from vaelab.runs.run import Run

UPDATES = [0, 200, 400, 1000, 2000, 3000]
X = [[0.0, 0.0, 0.0, 0.0], *([1.0, -1.0, 2.0, -2.0] for _ in UPDATES[1:])]
FLAT = [[0.0] * 4 for _ in UPDATES]
DIAGONAL = [[0.1 * one for one in row] for row in X]


@pytest.fixture
def runs(tmp_path):
    return [
        recorded(tmp_path, "joint", X, FLAT, UPDATES),
        recorded(tmp_path, "aggressive", X, DIAGONAL, UPDATES, [40 * u for u in UPDATES]),
    ]


@pytest.fixture
def pictures(monkeypatch):
    """What is drawn, instead of drawing it."""
    drawn = []

    def draw(rows, path, heading):
        drawn.append((rows, heading))
        return path

    monkeypatch.setattr("vaelab.diagnosis.posterior_lag.draw", draw)
    return drawn


def shown(folder, subjects, **settings):
    lag = PosteriorLag(**({"updates": [0, 200, 2000], "last": True, "frames": None} | settings))
    lag(subjects, folder, no_bar)
    return json.loads((folder / "posterior_lag.json").read_text())["runs"], lag


def test_panels_are_the_nearest_records_each_once(runs, tmp_path, pictures):
    found, _ = shown(tmp_path, runs)
    assert found["joint"]["shown"] == [0, 1, 4, 5]
    assert [one.update for one in pictures[0][0]["joint"]] == [0, 200, 2000, 3000]
    assert "stand-in; 4 training examples" in pictures[0][1].about
    found, _ = shown(tmp_path, runs[:1], updates=[10, 290, 310, 9999])
    assert found["joint"]["shown"] == [0, 1, 2, 5]
    found, _ = shown(tmp_path, runs[:1], updates=[1500], last=False)
    assert found["joint"]["shown"] == [3]  # of two as near, the earlier


def test_numbers_are_those_of_the_means(runs, tmp_path, pictures):
    found, lag = shown(tmp_path, runs)
    joint, aggressive = found["joint"], found["aggressive"]
    assert joint["sd_model"][1:] == pytest.approx([2.5**0.5] * 5)
    assert joint["sd_encoder"] == [0.0] * 6
    assert joint["correlation"] == [None] * 6  # of a constant there is none
    assert aggressive["correlation"] == [None, *(pytest.approx(1.0) for _ in range(5))]
    assert aggressive["kl"] == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
    assert aggressive["encoder_updates"][1] == 8000
    assert joint["labels"] == ["stand-in"]
    lines = lag.summary(tmp_path)
    assert len(lines) == 8
    assert lines[5] == (
        "aggressive, update 200: means' sd 1.58 (model) and 0.158 (encoder), correlation 1.000, "
        "KL 0.5 and MI 0.25 nats"
    )


def test_a_correlation_of_less_than_one(tmp_path, pictures):
    x, y = [[1.0, 2.0, 4.0, -3.0]], [[0.5, -1.0, 2.0, 0.1]]
    found, _ = shown(tmp_path, [recorded(tmp_path, "a", x, y, [0])])
    assert found["a"]["correlation"] == pytest.approx([np.corrcoef(x[0], y[0])[0, 1]])


def test_it_is_drawn_with_an_animation_of_every_record(runs, tmp_path):
    other = recorded(tmp_path, "short", X[:3], FLAT[:3], [0, 100, 200])
    made = PosteriorLag(updates=[0], last=True, frames=4)([*runs, other], tmp_path, no_bar)
    assert sorted(path.suffix for path in made) == [".gif", ".json", ".png"]
    assert all(path.is_file() for path in made)
    assert not list(tmp_path.glob("*.last.png"))
    with Image.open(tmp_path / "posterior_lag.gif") as image:
        assert image.n_frames == len({*UPDATES, 100})  # pyright: ignore
        assert image.info["duration"] == 250


def test_a_run_without_records_says_what_to_set(tmp_path):
    run = Run(tmp_path / "plain")
    run.update(status="complete")
    with pytest.raises(UserError, match=r"plain: has no record .* with watch=posterior_lag"):
        PosteriorLag([0], True, None)([Subject("plain", run, {})], tmp_path, no_bar)


@pytest.mark.parametrize(
    ("settings", "said"), [({"updates": [], "last": False}, "updates"), ({"frames": 0.0}, "frames")]
)
def test_impossible_settings_are_refused(settings, said):
    with pytest.raises(UserError, match=f"{said}="):
        PosteriorLag(**({"updates": [0], "last": True, "frames": 4} | settings))
