"""Sweeps that are killed, started twice, or have a cell that fails."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import stand_in

from vaelab.composing.compose import Composer
from vaelab.sweeps.plan import plan

ROOT = Path(__file__).resolve().parent.parent
CELLS = ["clip_norm=1,2,3,4,5,6,7,8,9,10,11,666", "epochs=3"]  # the stand-in fails at 666
REAL = [
    "dataset=digits", "max_examples=200", "epochs=3", "prior=standard,vamp,mog", "seed=1,2,3,4",
    "lightning=cpu", "evaluation.samples=5", "evaluation.examples=20", "threads=1",
]  # fmt: skip


TWO = {  # runs side by side
    "basic": [],
    "joblib": ["hydra.launcher.n_jobs=2"],
    "ray": ["hydra.launcher.ray.init.num_cpus=2", "hydra.launcher.ray.remote.num_cpus=1"],
}


def by(launcher):
    """The words for a launcher, two runs at once; skips where it is not installed."""
    if launcher != "basic":
        reason = "make test-ray has it" if launcher == "ray" else None
        pytest.importorskip(f"hydra_plugins.hydra_{launcher}_launcher", reason=reason)
    return [f"hydra/launcher={launcher}", *TWO[launcher]]


def started(folder, *words, environment, log=subprocess.DEVNULL):
    return subprocess.Popen(
        [sys.executable, "-m", "vaelab", "train", "-m", *words],
        cwd=folder, env=environment, text=True, stdout=log, stderr=subprocess.STDOUT,
    )  # fmt: skip


def signs(folder):
    """Everything that shows progress: checkpoints and results, with their age."""
    found = [*folder.rglob("last.ckpt"), *folder.rglob("results.json")]
    return {path: path.stat().st_mtime_ns for path in found if path.exists()}


def killed(folder, *words, environment, moments, longest):
    """Start the sweep, let it make some progress, and kill it at a random moment."""
    before = signs(folder)
    process = started(folder, *words, environment=environment)
    end = time.monotonic() + 300
    while signs(folder) == before and process.poll() is None:
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)
    time.sleep(moments.uniform(0.0, longest))
    assert process.poll() is None, "finished before it could be killed: make it longer"
    process.send_signal(signal.SIGKILL)
    process.wait()


def finished(folder, *words, environment):
    """The same command, to its end: exit status and what it said."""
    process = started(folder, *words, environment=environment, log=subprocess.PIPE)
    out, _ = process.communicate(timeout=1200)
    return process.returncode, out


def audit(folder):
    """No epoch was trained twice; how many cells there are, by status."""
    statuses = {}
    for path in folder.rglob("results.json"):
        status = json.loads(path.read_text())["status"]
        statuses[status] = statuses.get(status, 0) + 1
        epochs = path.with_name("epochs")
        trained = epochs.read_text().split() if epochs.exists() else []
        assert len(trained) == len(set(trained)), f"{path.parent}: {trained}"
        assert (trained[-1:] == ["3"]) == (status == "complete")
    return statuses


@pytest.mark.parametrize(
    ("launcher", "kills", "cells"),
    [
        pytest.param("basic", 1, ["clip_norm=1,2,666", "epochs=3"]),
        pytest.param("basic", 3, CELLS, marks=pytest.mark.slow),
        pytest.param("joblib", 3, CELLS, marks=pytest.mark.slow),
        pytest.param("ray", 3, CELLS, marks=pytest.mark.slow),
    ],
)
def test_a_killed_sweep_is_finished_by_the_same_command(lab, launcher, kills, cells):
    words = [*cells, *by(launcher)]
    moments = random.Random(f"{launcher}{kills}")
    slowly = stand_in.environment(lab, STAND_IN_SECONDS="0.2")
    for _ in range(kills):
        killed(lab, *words, environment=slowly, moments=moments, longest=0.4 * kills)
    again = stand_in.environment(lab)
    code, out = finished(lab, *words, environment=again)
    count = cells[0].count(",")
    assert (code, audit(lab)) == (1, {"complete": count, "failed": 1}), out
    assert out.count("failed: ") == 1
    assert out.count(" complete ") == count
    whole = {path: path.stat().st_mtime_ns for path in lab.rglob("epochs")}
    if kills > 1:  # once more: only what failed is tried again
        code, out = finished(lab, *words, environment=again)
        assert code == 1
        assert f"{count + 1} runs, {count} of them finished" in out
        assert whole == {path: path.stat().st_mtime_ns for path in lab.rglob("epochs")}


@pytest.mark.slow
def test_two_sweeps_at_once_with_two_launchers_never_do_a_run_twice(lab):
    environment = stand_in.environment(lab, STAND_IN_SECONDS="0.2")
    several = by("joblib")
    both = [
        started(lab, *CELLS, *words, environment=environment, log=subprocess.PIPE)
        for words in ([], several)
    ]
    for process in both:
        out, _ = process.communicate(timeout=600)
        assert process.returncode == 1, out
        assert out.count(" complete ") == 11
    assert audit(lab) == {"complete": 11, "failed": 1}
    starts = [path.read_text().split() for path in lab.rglob("starts")]
    # A sweep tries a cell that failed in the other once, itself.
    assert sorted(map(len, starts))[:-1] == [1] * 11


def numbers(folder):
    """Of every complete run what it measured and its epochs, without what they took."""
    found = {}
    for path in folder.rglob("results.json"):
        results = json.loads(path.read_text())
        if results["status"] == "complete":
            rows = path.with_name("metrics.csv").read_text().splitlines()
            kept = [row.rsplit(",", 1)[0] for row in rows]
            found[str(path.parent.relative_to(folder))] = (results["metrics"], kept)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["basic", "joblib", "ray"])
def test_real_training_ends_with_the_same_numbers(tmp_path, launcher):
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    words = [*REAL, *by(launcher)]
    code, out = finished(tmp_path, *REAL, "output_dir=whole", environment=environment)
    assert code == 0, out
    cut = [*words, "output_dir=cut"]
    # One cell cannot go on: its checkpoint is damaged.
    broken = plan(Composer(multirun=True).cells(cut))[4].folder
    (tmp_path / broken / "checkpoints").mkdir(parents=True)
    (tmp_path / broken / "checkpoints" / "last.ckpt").write_bytes(b"not a checkpoint")
    moments = random.Random(launcher)
    for _ in range(3):
        killed(tmp_path, *cut, environment=environment, moments=moments, longest=5.0)
    code, out = finished(tmp_path, *cut, environment=environment)
    assert code == 1
    assert "11 of 12 done, 1 failed" in " ".join(told(tmp_path, environment).split())
    whole, found = numbers(tmp_path / "whole"), numbers(tmp_path / "cut")
    assert len(whole) == 12
    assert len(found) == 11
    assert found == {name: whole[name] for name in found}
    logs = [path.read_text() for path in (tmp_path / "cut").rglob("log.txt")]
    assert max(text.count("training ended") for text in logs) == 1  # never again after its end
    starts = sum(len(re.findall(r"process \d+, ", text)) for text in logs)
    # Each once, the broken one at every command, and again what ran when they were killed.
    at_once = 1 if launcher == "basic" else 2
    assert starts <= 11 + 4 + 3 * at_once


def told(folder, environment):
    """What `vaelab runs` says of the sweep that was cut."""
    return subprocess.run(
        [sys.executable, "-m", "vaelab", "runs", "cut"],
        cwd=folder, env=environment, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
