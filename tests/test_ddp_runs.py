"""Runs of several processes by the command itself: same numbers, killed and resumed, other numbers.

A model without a latent has no noise: its numbers are those of one process but for rounding.
"""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow
COMMON = ["lightning=cpu", "dataset.binarise=fixed", "patience=null", "optimizer=sgd",
          "optimizer.phi.lr=1e-3", "optimizer.theta.lr=1e-3", "evaluation.samples=20",
          "evaluation.examples=250", "threads=1"]  # fmt: skip
# 501 examples: the last batch of an epoch leaves all but one process without a row.
QUIET = [*COMMON, "architecture=gated_pixelcnn", "architecture.channels=4",
         "architecture.kernels=[3,3]", "max_examples=501", "epochs=25"]  # fmt: skip
TABLE = f"""
title: "Two rates of a model without noise"
source: "none"
overrides: {json.dumps([*QUIET, "epochs=3"])}
unit: nats
digits: 2
columns:
  nll: {{label: NLL, metric: nll}}
rows:
  slow: {{label: slow, overrides: [optimizer.phi.lr=1e-5, optimizer.theta.lr=1e-5]}}
  fast: {{label: fast, overrides: [optimizer.phi.lr=1e-2, optimizer.theta.lr=1e-2]}}
cells:
  slow: {{nll: null}}
  fast: {{nll: null}}
"""
NOISY = [*COMMON, "prior=vamp", "prior.components=20", "trainer=aggressive",
         "trainer.max_inner_steps=9", "trainer.window=3", "epochs=12"]  # fmt: skip


def started(folder, devices, words, **around):
    command = [sys.executable, "-m", "vaelab", "train", *words, f"lightning.devices={devices}",
               f"output_dir={folder}"]  # fmt: skip
    return launched(folder, command, **around)


def launched(folder, command, **around):
    Path(folder).mkdir(exist_ok=True)
    path = {"PYTHONPATH": str(Path(__file__).parent.parent), "GLOO_SOCKET_IFNAME": "lo"}
    with (Path(folder) / "said").open("a") as log:
        return subprocess.Popen(
            command, stdout=log, stderr=log, env=os.environ | path | around, start_new_session=True
        )


def finished(folder, devices, words):
    assert started(folder, devices, words).wait(500) == 0, (folder / "said").read_text()
    return outcome(folder)


def outcome(folder):
    (path,) = Path(folder).rglob("results.json")
    found = json.loads(path.read_text())
    assert found["status"] == "complete"
    rows = list(csv.DictReader((path.parent / "metrics.csv").read_text().splitlines()))
    for row in rows:
        row.pop("seconds")
    return found, rows


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    """One process."""
    return finished(tmp_path_factory.mktemp("quiet"), 1, QUIET)


@pytest.fixture(scope="module")
def noisy(tmp_path_factory):
    """Two, undisturbed."""
    return finished(tmp_path_factory.mktemp("noisy"), 2, NOISY)


def assert_close(found, expected, rel=1e-5):
    """Rounding aside, the same rows and results."""
    assert len(found[1]) == len(expected[1])
    for row, other in zip(found[1], expected[1], strict=True):
        numbers = {name: float(value) for name, value in other.items()}
        assert {name: float(value) for name, value in row.items()} == pytest.approx(
            numbers, rel=rel, abs=1e-6
        )
    for split, metrics in expected[0]["metrics"].items():
        for name, metric in metrics.items():
            ours = found[0]["metrics"][split][name]
            assert ours["value"] == pytest.approx(metric["value"], rel=rel)
            assert (ours["n"], ours["estimator"]) == (metric["n"], metric["estimator"])


def assert_same(found, expected):
    """To the last digit."""
    assert found[1] == expected[1]
    assert found[0]["metrics"] == expected[0]["metrics"]


def progressed(folder, process, after=0.0):
    """Wait until a checkpoint has been written since; the folder of the run."""
    deadline = time.time() + 300
    while time.time() < deadline:
        assert process.poll() is None, (folder / "said").read_text()
        if found := [p for p in folder.rglob("last.ckpt") if p.stat().st_mtime > after]:
            return found[0].parent.parent
        time.sleep(0.01)
    raise AssertionError("no progress")


def said_in(folder):
    return " ".join((folder / "said").read_text().split())


def below(process):
    """Processes that it has started."""
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(word) for word in path.read_text().split()]


def gone(numbers):
    deadline = time.time() + 60
    while time.time() < deadline:
        if not any(Path(f"/proc/{number}").exists() for number in numbers):
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("devices", [2, 3])
def test_several_processes_end_with_the_numbers_of_one(tmp_path, quiet, devices):
    found = finished(tmp_path, devices, QUIET)
    assert_close(found, quiet)
    assert found[0]["processes"] == [devices]
    assert "processes" not in quiet[0]
    said = (tmp_path / "said").read_text()
    for once in ("training /", "Evaluating epoch 25 on test", "model: epoch", "took "):
        assert said.count(once) == 1, once


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1), (2, 3)])
def test_another_number_of_processes_goes_on_with_the_same_batches(tmp_path, quiet, before, after):
    process = started(tmp_path, before, QUIET)
    progressed(tmp_path, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    found = finished(tmp_path, after, QUIET)
    assert_close(found, quiet)
    assert found[0]["processes"] == [before, after]
    words = "trained by 1 process so far" if before == 1 else f"trained by {before} processes so"
    assert words in said_in(tmp_path)


@pytest.mark.parametrize("victim", ["first", "second", "all"])
def test_killed_it_goes_on_to_the_same_numbers(tmp_path, noisy, victim):
    process = started(tmp_path, 2, NOISY)
    progressed(tmp_path, process)
    (child,) = below(process)
    if victim == "all":
        os.killpg(process.pid, signal.SIGKILL)
    else:
        os.kill(process.pid if victim == "first" else child, signal.SIGKILL)
    code = process.wait(120)
    assert gone([child])
    if victim == "second":  # as a rule the first one can still say so
        assert code in (1, -signal.SIGKILL)
        assert code != 1 or "another process of this run has ended" in said_in(tmp_path)
    assert_same(finished(tmp_path, 2, NOISY), noisy)
    assert "Going on from epoch" in (tmp_path / "said").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_all_with_a_checkpoint(tmp_path, noisy, number):
    """SIGTERM to the first alone, Ctrl-C to all."""
    process = started(tmp_path, 2, NOISY)
    run = progressed(tmp_path, process)
    (child,) = below(process)
    (os.kill if number == signal.SIGTERM else os.killpg)(process.pid, number)
    assert process.wait(120) == 130
    assert gone([child])
    assert json.loads((run / "results.json").read_text())["status"] == "interrupted"
    assert_same(finished(tmp_path, 2, NOISY), noisy)


def test_runs_of_a_sweep_have_processes_of_their_own(tmp_path, quiet):
    process = started(tmp_path, 2, [*QUIET, "-m", "seed=1,2"])
    assert process.wait(500) == 0, (tmp_path / "said").read_text()
    results = [json.loads(path.read_text()) for path in tmp_path.rglob("results.json")]
    assert [one["status"] for one in results] == ["complete"] * 2
    first = next(one for one in results if one["seed"] == 1)
    value = quiet[0]["metrics"]["test"]["nll"]["value"]
    assert first["metrics"]["test"]["nll"]["value"] == pytest.approx(value, rel=1e-5)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return str(one.getsockname()[1])


def test_two_machines_share_a_run(tmp_path, quiet):
    """Machines are processes here, and the shared folder a folder."""
    around = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    words = [*QUIET, "lightning.num_nodes=2"]
    processes = [started(tmp_path, 1, words, **around, NODE_RANK=str(rank)) for rank in (1, 0)]
    codes = [process.wait(500) for process in processes]
    assert codes == [0, 0], (tmp_path / "said").read_text()
    assert_close(outcome(tmp_path), quiet)


def test_machines_that_share_no_folder_are_refused(tmp_path):
    around = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}
    words = [*NOISY, "lightning.num_nodes=2"]
    folders = [tmp_path / "first", tmp_path / "second"]
    processes = [
        started(folder, 1, words, **around, NODE_RANK=str(rank))
        for rank, folder in enumerate(folders)
    ]
    assert processes[0].wait(200) == 1
    assert "set output_dir to a folder that all machines share" in said_in(folders[0])
    processes[1].wait(200)
    assert not list(tmp_path.rglob("last.ckpt"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_who_waits_for_the_others_can_be_stopped(tmp_path, number):
    around = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port(), "NODE_RANK": "0"}
    process = started(tmp_path, 1, [*NOISY, "lightning.num_nodes=2"], **around)
    end = time.time() + 200
    while "waiting for" not in said_in(tmp_path) and time.time() < end:
        time.sleep(0.1)
    time.sleep(1.0)
    process.send_signal(number)
    assert process.wait(20) == -number


def test_what_it_took_is_of_all_processes(tmp_path):
    words = [*COMMON, "max_examples=300", "epochs=2", "experiment=mapa/circle", "trainer=joint",
             "prior=standard", "watch=log_likelihood", "watch.updates=[0,1,2]"]  # fmt: skip
    words = [word for word in words if "binarise" not in word]
    costs, watched = [], []
    for devices in (1, 2):
        folder = tmp_path / str(devices)
        cost = finished(folder, devices, words)[0]["cost"]
        costs.append([cost["encoder_passes"], cost["decoder_passes"]])
        (path,) = folder.rglob("watch/*.npz")
        watched.append(np.load(path)["decoder_passes"].tolist())
    assert costs[0] == costs[1]
    assert watched[0] == watched[1]
    assert watched[0][-1] == costs[0][1]


def test_cells_of_a_table_are_models_of_their_own(tmp_path):
    """And options of the user's own folder are found by every process."""
    table = tmp_path / "mine/table/two.yaml"
    table.parent.mkdir(parents=True)
    table.write_text(TABLE)
    values = []
    for devices in (1, 2):
        folder = tmp_path / str(devices)
        words = ["reproduce", "--config-dir", str(tmp_path / "mine"), "table=two",
                 f"lightning.devices={devices}", f"output_dir={folder}"]  # fmt: skip
        process = launched(folder, [sys.executable, "-m", "vaelab", *words])
        assert process.wait(500) == 0, (folder / "said").read_text()
        found = [json.loads(path.read_text()) for path in folder.rglob("results.json")]
        values.append(sorted(one["metrics"]["test"]["nll"]["value"] for one in found))
    assert len(values[0]) == 2
    assert values[1] == pytest.approx(values[0], rel=1e-4)


def test_srun_starts_the_processes_of_a_run(tmp_path, quiet):
    """By the variables that srun sets."""
    around = {"SLURM_JOB_NAME": "train", "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2",
              "SLURM_NNODES": "1", "SLURM_NODEID": "0", "SLURM_JOB_ID": "77",
              "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port()}  # fmt: skip
    processes = [
        started(tmp_path, 2, QUIET, **around, SLURM_PROCID=str(rank), SLURM_LOCALID=str(rank))
        for rank in (0, 1)
    ]
    codes = [process.wait(500) for process in processes]
    assert codes == [0, 0], (tmp_path / "said").read_text()
    assert_close(outcome(tmp_path), quiet)


def test_torchrun_starts_the_processes_of_a_run(tmp_path, quiet):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2",
               f"--master_port={free_port()}", "-m", "vaelab", "train", *QUIET,
               "lightning.devices=2", f"output_dir={tmp_path}"]  # fmt: skip
    process = launched(tmp_path, command)
    assert process.wait(500) == 0, (tmp_path / "said").read_text()
    assert_close(outcome(tmp_path), quiet)
