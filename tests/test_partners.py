"""Which process of a run this is, and what several cannot do; by settings and environment alone."""

import os
import signal
import subprocess
import sys

import pytest
from lightning_fabric.strategies.launchers.subprocess_script import _ChildProcessObserver
from small import config

from vaelab import distributed, partners
from vaelab.build import build
from vaelab.callback import restore
from vaelab.cli import main
from vaelab.errors import UserError
from vaelab.runs.run import Run

NODE = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500", "NODE_RANK": "1"}
SLURM = {"SLURM_JOB_NAME": "train", "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "2",
         "SLURM_NNODES": "1", "SLURM_PROCID": "1", "SLURM_LOCALID": "1", "SLURM_NODEID": "0",
         "SLURM_JOB_ID": "12345"}  # fmt: skip
ELASTIC = {"TORCHELASTIC_RUN_ID": "none", "RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2",
           "LOCAL_WORLD_SIZE": "2"}  # fmt: skip


def lightning(devices=1, nodes=1, strategy="auto"):
    return {"accelerator": "cpu", "devices": devices, "strategy": strategy, "num_nodes": nodes}


@pytest.fixture(autouse=True)
def nobody_else(monkeypatch):
    for name in (*NODE, *SLURM, *ELASTIC):
        monkeypatch.delenv(name, raising=False)


def surrounded(monkeypatch, variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("devices", [2, "2", "auto", -1, [0, 1], "0,1"])
def test_several_devices_are_several_processes(devices):
    assert partners.several(lightning(devices))


@pytest.mark.parametrize("devices", [1, "1", [3], "3,"])
def test_one_device_is_one_process_but_on_several_machines(devices):
    assert not partners.several(lightning(devices))
    assert partners.several(lightning(devices, nodes=2))


@pytest.mark.parametrize("started", [NODE, SLURM, ELASTIC])
def test_a_process_that_others_started_is_the_first_or_a_further_one(monkeypatch, started):
    assert not partners.further(lightning(2))
    surrounded(monkeypatch, started)
    assert partners.further(lightning(2))
    assert not partners.further(lightning())  # runs that have nothing to do with each other
    for name in ("NODE_RANK", "SLURM_PROCID", "RANK", "LOCAL_RANK"):
        if name in started:
            monkeypatch.setenv(name, "0")
    assert not partners.further(lightning(2))


def test_an_interactive_job_starts_its_own(monkeypatch):
    surrounded(monkeypatch, SLURM | {"SLURM_JOB_NAME": "bash"})
    assert not partners.further(lightning(2))
    assert not partners.started_outside()


@pytest.mark.parametrize(
    ("words", "around", "said"),
    [
        ("lightning.num_nodes=2", {}, "MASTER_ADDR, MASTER_PORT, NODE_RANK must be set"),
        ("lightning.num_nodes=2", {"NODE_RANK": "0"}, ": MASTER_ADDR, MASTER_PORT must be set"),
        ("lightning.devices=2 lightning.strategy=fsdp", {}, "choose lightning.strategy=ddp"),
        ("lightning.num_nodes=2 fresh=true", NODE, "fresh=true cannot be used with"),
        ("lightning.devices=3", SLURM, "--ntasks-per-node=2` does not match"),
        ("lightning.devices=2 lightning.num_nodes=2", SLURM, "`--nodes=1` does not match"),
        ("-m seed=1,2 lightning.num_nodes=2", NODE, "-m cannot be used with processes"),
        ("-m seed=1,2", ELASTIC, "-m cannot be used with processes"),
        ("seed=1", ELASTIC, "torchrun has started 2 processes, and this run is for 1: set light"),
        ("lightning.devices=3", ELASTIC, "this run is for 3: set lightning.devices=2"),
        (
            "lightning.devices=2",
            ELASTIC | {"WORLD_SIZE": "6"},
            "6 processes, and this run is for 2: set lightning.devices=2 lightning.num_nodes=3",
        ),
    ],
)
def test_what_several_processes_cannot_do_is_one_line(
    lab, capsys, monkeypatch, words, around, said
):
    surrounded(monkeypatch, around)
    assert main(["train", "lightning=cpu", *words.split()]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert not list(lab.rglob("config.yaml"))


def test_machines_that_meet_are_let_through(monkeypatch):
    found = {"lightning": lightning(nodes=2), "fresh": False}
    surrounded(monkeypatch, NODE)
    partners.check(found)
    partners.check(found | {"fresh": 2})
    monkeypatch.delenv("NODE_RANK")
    with pytest.raises(UserError, match="NODE_RANK must be set on every machine"):
        partners.check(found)
    surrounded(monkeypatch, ELASTIC | {"LOCAL_WORLD_SIZE": "1"})
    partners.check(found)


@pytest.mark.parametrize("around", [ELASTIC, NODE, SLURM])
def test_several_runs_in_processes_that_were_started_together_are_refused(monkeypatch, around):
    surrounded(monkeypatch, around)
    with pytest.raises(UserError, match="vaelab reproduce cannot be used with processes"):
        partners.check_sweep(lightning(2), "vaelab reproduce")
    if around is ELASTIC:  # no machine has a task by chance
        with pytest.raises(UserError, match=r"started one by one: start one$"):
            partners.check_sweep(lightning(1), "vaelab evaluate", "start one")
    else:
        partners.check_sweep(lightning(1))


class Meeting:
    """What two processes tell each other before the first update."""

    def __init__(self, monkeypatch, folder, *other):
        self.run, self.other = Run(folder), other
        monkeypatch.setattr(distributed, "everyones", lambda mine: [mine, tuple(other)])
        monkeypatch.setattr(restore, "SEEN", 0.0)

    def agree(self):
        restore.Restore(None, self.run, "abc/seed1").agree(updates=7)


def test_processes_of_one_run_in_one_folder_go_on(tmp_path, monkeypatch):
    (tmp_path / "results.json").write_text('{"record": "1234"}')
    Meeting(monkeypatch, tmp_path, "abc/seed1", 7, "1234").agree()


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (("abc/seed2", 7, "1234"), "are of different runs"),
        (("abc/seed1", 0, "1234"), "set output_dir to a folder that all machines share"),
        (("abc/seed1", 7, None), "set output_dir to a folder that all machines share"),
    ],
)
def test_processes_that_would_mix_two_models_are_refused(tmp_path, monkeypatch, other, said):
    (tmp_path / "results.json").write_text('{"record": "1234"}')
    with pytest.raises(UserError, match=said):
        Meeting(monkeypatch, tmp_path, *other).agree()


@pytest.mark.parametrize(
    "words",
    [
        ["bound.free_bits=0.5"],
        ["trainer=savae", "trainer.inner_reduction=batch_mean", "trainer.step_size=1"],
    ],
)
def test_what_depends_on_the_whole_batch_is_refused(words):
    with pytest.raises(UserError, match=r"^lightning.devices=2 cannot .* or lightning.devices=1$"):
        build(config(*words, "lightning.devices=2"))
    build(config(*words, "lightning.devices=2"), training=False)
    build(config(*words))


def test_the_next_run_of_a_process_finds_nothing_of_the_last(monkeypatch):
    """Lightning starts no processes where it finds LOCAL_RANK; the next run would wait for them."""
    monkeypatch.setenv("MASTER_PORT", "1")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with partners.together(lightning(2)):
        assert os.environ["OMP_NUM_THREADS"]
        monkeypatch.setenv("LOCAL_RANK", "0")
        monkeypatch.setenv("MASTER_PORT", "2")
    assert "LOCAL_RANK" not in os.environ
    assert "OMP_NUM_THREADS" not in os.environ
    assert os.environ["MASTER_PORT"] == "1"


def test_processes_of_a_run_that_failed_do_not_end_the_next(monkeypatch):
    """Lightning's observer kills the first process once it sees that another has failed."""
    monkeypatch.setattr(partners, "GRACE", 0.2)
    failed = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    hanging = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    observer = _ChildProcessObserver(os.getpid(), [failed, hanging], sleep_period=1)
    observer.start()
    with partners.together(lightning(2)):
        pass
    assert failed.returncode == 3
    assert hanging.returncode == -signal.SIGKILL
    observer.join(10)
    assert not observer.is_alive()  # and this process is


def test_a_process_that_is_lost_is_one_line():
    with pytest.raises(UserError, match=r"^another process .* the same command goes on"):
        with partners.together(lightning(2)):
            raise RuntimeError("[gloo/transport/tcp/pair.cc:561]\nConnection closed by peer")
    with pytest.raises(RuntimeError, match="no such thing"), partners.together(lightning(2)):
        raise RuntimeError("no such thing")
