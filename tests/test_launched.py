"""What launchers' jobs need beyond their share: partners of their own, and an end that is told."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from lightning_fabric.strategies.launchers.subprocess_script import _basic_subprocess_cmd

from vaelab import partners

ROOT = Path(__file__).resolve().parent.parent
SEVERAL = {"accelerator": "cpu", "devices": 2, "strategy": "ddp", "num_nodes": 1}
REAL = [
    "dataset=digits", "max_examples=200", "epochs=2", "evaluation.samples=5",
    "evaluation.examples=20", "lightning=cpu",
]  # fmt: skip


def test_further_processes_follow_whatever_started_the_first(monkeypatch):
    """Lightning repeats the command of a process, which may be a worker's."""
    worker = ["/python/joblib/popen_loky_posix.py", "--process-name", "LokyProcess-1"]
    monkeypatch.setattr(sys, "argv", worker)
    before = _basic_subprocess_cmd()
    with partners.together(SEVERAL):
        assert _basic_subprocess_cmd() == [sys.executable, "-m", "vaelab.__main__", "train"]
    assert _basic_subprocess_cmd() == before
    with partners.together(SEVERAL | {"devices": 1}):
        assert _basic_subprocess_cmd() == before


@pytest.mark.slow
@pytest.mark.parametrize(
    "launcher", ["joblib hydra.launcher.n_jobs=2", "submitit_local", "ray"], ids=lambda w: w[:6]
)
def test_a_sweep_of_runs_of_two_processes(tmp_path, launcher):
    name = launcher.partition("_")[0].partition(" ")[0]
    pytest.importorskip(f"hydra_plugins.hydra_{name}_launcher")
    words = [*REAL, "lightning.devices=2", "lightning.strategy=ddp", "seed=1,2"]
    around = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    done = subprocess.run(
        [sys.executable, "-m", "vaelab", "train", "-m", *words, *f"hydra/launcher={launcher}".split()],
        cwd=tmp_path, env=os.environ | around, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" complete ") == 2
