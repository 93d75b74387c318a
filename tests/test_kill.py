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
    "joint": ["prior=vamp", "prior.components=50", "epochs=120", "patience=null"],
    "aggressive": ["trainer=aggressive", "epochs=8", "patience=null"],
}


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


@pytest.mark.parametrize("name", RUNS)
def test_ten_kills_change_no_number(tmp_path, name):
    with (tmp_path / "log").open("w") as log:
        began = time.monotonic()
        assert started(tmp_path / "whole", RUNS[name], log).wait() == 0
        length = time.monotonic() - began
        moments = random.Random(name)
        made, resumed = 0, 0
        while made < KILLS:
            process = started(tmp_path / "cut", RUNS[name], log)
            # From the first checkpoint on, anywhere in the rest of an uninterrupted run's time.
            wait = length * moments.uniform(0.3, 0.75)
            try:
                process.wait(wait)
                break  # finished: there is nothing left to kill
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                made += 1
            resumed += any((tmp_path / "cut").rglob("last.ckpt"))
        assert started(tmp_path / "cut", RUNS[name], log).wait() == 0
    print(f"{name}: {made} kills, {resumed} of them with a checkpoint to go on from")
    assert resumed >= 1
    assert metrics(tmp_path / "whole") == metrics(tmp_path / "cut")
