"""The command itself, killed at ten random moments, ends as if nobody had touched it."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
KILLS = 10
RUNS = {
    "joint": ["prior=vamp", "prior.components=50", "epochs=300", "patience=null"],
    "aggressive": ["trainer=aggressive", "trainer.patience=99", "epochs=40", "patience=null"],
    "sentences": [
        "dataset=synthetic_text", "dataset.num_train=640", "dataset.num_valid=200",
        "dataset.num_test=40", "dataset.vocabulary=50", "architecture=lstm",
        "architecture.latent_dim=2", "architecture.embedding=10", "architecture.hidden=[10,10]",
        "batch_size=16", "trainer=aggressive_text", "trainer.patience=20",
        "learning_rate=reload_decay", "learning_rate.patience=1", "learning_rate.most=99",
        "optimizer.phi.lr=0.02", "optimizer.theta.lr=0.02", "beta=constant", "epochs=14",
        "patience=null", "evaluation.autoregressive_samples=4",
    ],
}  # fmt: skip


def command(folder, overrides):
    return [
        sys.executable, "-m", "vaelab", "train", *overrides, "threads=1",
        "evaluation.samples=20", f"output_dir={folder}",
    ]  # fmt: skip


def started(folder, overrides, log):
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)}
    return subprocess.Popen(
        command(folder, overrides), stdout=log, stderr=subprocess.STDOUT, env=environment
    )


def results(folder):
    (path,) = Path(folder).rglob("results.json")
    return json.loads(path.read_text()), path.parent


def metrics(folder):
    found, run = results(folder)
    assert found["status"] == "complete"
    rows = (run / "metrics.csv").read_text().splitlines()
    return found["metrics"], [row.rsplit(",", 1)[0] for row in rows]  # the last column is seconds


def wait_for_progress(process, folder, patience=120.0):
    """Until the process has written a checkpoint of its own, or has ended."""
    began, deadline = time.time(), time.time() + patience
    while process.poll() is None and time.time() < deadline:
        if any(path.stat().st_mtime > began for path in Path(folder).rglob("last.ckpt")):
            return
        time.sleep(0.01)


@pytest.mark.parametrize("name", RUNS)
def test_ten_kills_change_no_number(tmp_path, name):
    """Every fourth kill comes anywhere, start-up included; the others soon after some progress."""
    moments = random.Random(name)
    with (tmp_path / "log").open("w") as log:
        assert started(tmp_path / "whole", RUNS[name], log).wait() == 0
        for number in range(KILLS):
            process = started(tmp_path / "cut", RUNS[name], log)
            if number % 4 == 0:
                time.sleep(moments.uniform(0.0, 10.0))
            else:
                wait_for_progress(process, tmp_path / "cut")
                time.sleep(moments.uniform(0.0, 1.0))
            assert process.poll() is None, "finished before it could be killed: make it longer"
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert started(tmp_path / "cut", RUNS[name], log).wait() == 0
    assert metrics(tmp_path / "whole") == metrics(tmp_path / "cut")
    went_on = (tmp_path / "log").read_text().count("Going on from epoch")
    print(f"{name}: {KILLS} kills, {went_on} times gone on from a checkpoint")
    assert went_on >= KILLS // 2
