"""What launchers' jobs need beyond their share: partners of their own, and an end that is told."""

import json
import os
import re
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest
import stand_in
from hydra.core.utils import JobReturn, JobStatus
from lightning_fabric.strategies.launchers.subprocess_script import _basic_subprocess_cmd

from vaelab import partners
from vaelab.cli import main
from vaelab.composing.compose import Composer
from vaelab.reporting import live, summary
from vaelab.runs.run import Run
from vaelab.sweeps import killed, launchers, slots
from vaelab.sweeps import launch as sweep
from vaelab.sweeps.job import Job
from vaelab.sweeps.launchers import Share
from vaelab.sweeps.plan import plan
from vaelab.sweeps.sweep import Sweep

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


def test_only_processes_that_others_started_say_that_they_wait(monkeypatch, capsys):
    for name, value in {"NODE_RANK": "1", "MASTER_ADDR": "a", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    with partners.together(SEVERAL):
        assert capsys.readouterr().out == "waiting for the other processes of this run at a:1\n"
    monkeypatch.setenv("LOCAL_RANK", "1")  # Lightning sets NODE_RANK too
    monkeypatch.setenv("VAELAB_RUN", "folder")
    with partners.together(SEVERAL):
        assert capsys.readouterr().out == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    "launcher", ["joblib hydra.launcher.n_jobs=2", "submitit_local", "ray"], ids=lambda w: w[:6]
)
def test_a_sweep_of_runs_of_two_processes(tmp_path, launcher):
    name = launcher.partition("_")[0].partition(" ")[0]
    pytest.importorskip(f"hydra_plugins.hydra_{name}_launcher")
    words = [*REAL, "lightning.devices=2", "lightning.strategy=ddp", "seed=1,2"]
    around = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    words += f"hydra/launcher={launcher}".split()
    done = subprocess.run(
        [sys.executable, "-m", "vaelab", "train", "-m", *words],
        cwd=tmp_path, env=os.environ | around, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" complete ") == 2


def statuses(lab):
    """Of every run by its clip_norm: its status and why."""
    found = {}
    for path in lab.rglob("results.json"):
        results = json.loads(path.read_text())
        found[Run(path.parent).config["clip_norm"]] = (results["status"], results.get("reason"))
    return found


@pytest.mark.parametrize(
    "launcher",
    [
        "joblib hydra.launcher.n_jobs=2",
        pytest.param("submitit_local", marks=pytest.mark.slow),
        pytest.param("ray hydra.launcher.ray.init.num_cpus=2", marks=pytest.mark.slow),
    ],
    ids=lambda words: words.partition(" ")[0],
)
def test_a_cell_whose_process_is_killed_is_named_and_stops_no_other(lab, launcher):
    """The stand-in kills its process at 999."""
    pytest.importorskip(f"hydra_plugins.hydra_{re.split('[ _]', launcher)[0]}_launcher")
    done = subprocess.run(
        [sys.executable, "-m", "vaelab", "train", "-m", "clip_norm=1,999,2,3", "epochs=1",
         *f"hydra/launcher={launcher}".split()],
        cwd=lab, env=stand_in.environment(lab), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    complete = dict.fromkeys((1, 2, 3), ("complete", None))
    assert statuses(lab) == complete | {999: ("failed", killed.MEMORY)}
    assert f"failed: {killed.MEMORY}" in done.stdout
    assert done.stdout.count(" complete ") == 3


@pytest.mark.parametrize(
    ("error", "said", "why"),
    [
        ("UncompletedJobError", "Job 7_1 (task: 0) with path /a.pkl\nhas not produced any output "
         "(state: OUT_OF_MEMORY)\nError stream", f"{killed.KILLED} (Slurm says OUT_OF_MEMORY)"),
        ("UncompletedJobError", "Job 7\nhas not produced any output (state: FINISHED)",
         killed.MEMORY),
        ("FailedJobError", "Job (task=0) failed during processing with trace:\n-----\nTrace:\n"
         "A: no B\n\n-----\nYou can check full logs or at paths:\n  - /1_0_log.out", "A: no B"),
    ],
)  # fmt: skip
def test_a_job_that_submitit_has_lost_is_one_result_of_many(monkeypatch, error, said, why):
    pytest.importorskip("submitit")
    from submitit.core import core, utils

    def results(job):
        raise getattr(utils, error)(said)

    monkeypatch.setattr(core.Job, "results", results)
    with killed.told("submitit_slurm"):
        (found,) = core.Job.results(None)
    assert found.return_value == killed.Gone(why)
    assert core.Job.results is results


def test_a_run_that_another_machine_seems_to_be_at_is_not_launched_again(lab, monkeypatch):
    """Its heartbeat is believed for a while; the launcher has said that its process is gone."""
    composer = Composer(multirun=True)
    tasks = plan(composer.cells(["seed=1", "hydra/launcher=submitit_local"]))
    passes, slept = [], []

    def returned(composer, tasks, *_):
        with Run(tasks[0].folder).lock():
            Run(tasks[0].folder).update(status="running")
        passes.append(len(tasks))
        return [killed.Gone(killed.MEMORY)]

    monkeypatch.setattr(sweep, "returned", returned)
    monkeypatch.setattr(
        Run, "elsewhere", lambda run: "node7" if passes and 1.0 not in slept else None
    )
    monkeypatch.setattr(sweep.time, "sleep", slept.append)
    sweep.launch(composer, tasks)
    assert (passes, slept.count(1.0)) == ([1], 1)
    assert Run(tasks[0].folder).read()["reason"] == killed.MEMORY


def test_a_job_that_raises_is_said_and_changes_no_other(capsys):
    raised = JobReturn(status=JobStatus.FAILED, _return_value=OSError("no space\nleft"))
    found = [JobReturn(status=JobStatus.COMPLETED, _return_value="busy"), raised]
    assert [sweep.value(one) for one in found] == ["busy", None]
    assert capsys.readouterr().err == "vaelab: OSError: no space left\n"


def test_a_reason_is_shown_as_it_is(lab, capsys):
    """In rich's eyes brackets are markup, and a wrong one is an error."""
    run, words = Run(lab / "seed1"), ["prior.sizes=[a,b]", "seed=1"]
    run.folder.mkdir()
    run.update(status="failed", reason="another process has ended ([/gloo/pair.cc:545] closed)")
    summary.show_all([run, Run(lab / "seed2")], [words, ["seed=2"]])
    out = capsys.readouterr().out
    assert "ended ([/gloo/pair.cc:545] closed)" in out
    assert "prior.sizes=[a,b] seed=1" in out


def test_what_was_killed_is_tried_last(lab, capsys):
    words = ["train", "-m", "clip_norm=1,2,3,4,5", "epochs=1"]
    tasks = plan(Composer(multirun=True).cells(words[2:]))
    states = [
        {"status": "running"},  # killed, perhaps with all others
        {"status": "failed", "reason": killed.MEMORY},
        {"status": "interrupted"},  # by Ctrl-C or preemption: goes on as if nothing had been
        {"status": "failed", "reason": "the loss is not a number"},
    ]
    for task, state in zip(tasks, states, strict=False):
        task.folder.mkdir(parents=True)
        Run(task.folder).update(**state)
    assert main(words) == 0
    order = re.findall(r"^\[(\d)/5\]", capsys.readouterr().out, re.MULTILINE)
    assert order == ["3", "4", "5", "1", "2"]


def test_who_has_broken_a_pool_is_found_by_halves(lab, monkeypatch, capsys):
    """A pool of eight: all that ran are lost with it, and nobody says whose fault it was."""
    monkeypatch.setattr(launchers, "available", lambda: 8)
    passes = []

    def returned(composer, tasks, plan, words):
        jobs = int(words[-1].partition("=")[2])
        numbers = [task.config["clip_norm"] for task in tasks]
        passes.append((jobs, numbers))
        while tasks:
            now, tasks = tasks[:jobs], tasks[jobs:]
            for task in now:
                with Run(task.folder).lock():
                    Run(task.folder).update(status="running", reason=None)
            if any(task.config["clip_norm"] in (3, 12) for task in now):
                raise BrokenProcessPool
            for task in now:
                Run(task.folder).update(status="complete")
        return [None] * len(numbers)

    monkeypatch.setattr(sweep, "returned", returned)
    composer = Composer(multirun=True)
    numbers = ",".join(map(str, range(1, 21)))
    tasks = plan(composer.cells([f"clip_norm={numbers}", "hydra/launcher=joblib"]))
    sweep.launch(composer, tasks)
    assert [(jobs, len(numbers)) for jobs, numbers in passes] == [
        (8, 20), (8, 12), (8, 4),  # 1 to 8 lost, 9 to 16 lost, 17 to 20 done
        (4, 16), (4, 12), (4, 4),  # 1 to 4, and 9 to 12
        (2, 8), (2, 4),  # 3 and 4, 11 and 12
        (2, 1), (2, 1), (2, 1), (2, 1),  # alone, though not in this process
    ]  # fmt: skip
    found = {task.config["clip_norm"]: Run(task.folder).read() for task in tasks}
    failed = {number: one["reason"] for number, one in found.items() if one["status"] == "failed"}
    assert failed == {3: killed.MEMORY, 12: killed.MEMORY}
    assert sum(one["status"] == "complete" for one in found.values()) == 18
    assert "8 runs are tried again" in capsys.readouterr().err


@pytest.mark.parametrize("launcher", ["basic", "submitit_local", "submitit_slurm"])
def test_all_jobs_are_launched_at_once(lab, monkeypatch, launcher):
    """Places on this machine are taken by the jobs themselves; a cluster has a queue."""
    pytest.importorskip("submitit")
    passes = []

    def returned(composer, tasks, *_):
        passes.append(len(tasks))
        return [None] * len(tasks)

    monkeypatch.setattr(launchers, "available", lambda: 1)
    monkeypatch.setattr(sweep, "returned", returned)
    composer = Composer(multirun=True)
    sweep.launch(composer, plan(composer.cells(["seed=1,2,3", f"hydra/launcher={launcher}"])))
    assert passes == [3]


def test_a_pool_that_begins_nothing_is_given_up(lab, monkeypatch, capsys):
    def returned(*_):
        raise BrokenProcessPool("no memory for a worker\nmore")

    monkeypatch.setattr(sweep, "returned", returned)
    words = ["train", "-m", "seed=1,2", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    assert main(words) == 1
    said = "no memory for a worker; the same command goes on"
    assert capsys.readouterr().err == f"vaelab: hydra/launcher=joblib: {said}\n"


def test_a_worker_keeps_its_gpu_where_there_are_fewer_places_later(tmp_path, monkeypatch):
    """joblib keeps its workers from one pass to the next."""
    free = iter([False, False, False, True])
    monkeypatch.setattr(slots, "_taken", {})
    monkeypatch.setattr(slots.lock, "locks", lambda *_: next(free))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    for share in (Share(4, 1, ("4", "5", "6", "7")), Share(2, 1, ("4", "5"))):
        sweep_ = Sweep(tmp_path, "", ())
        with Job([], "submitit_local", sweep_, share, False, 0).settled():
            assert os.environ["CUDA_VISIBLE_DEVICES"] == "7"


def test_one_job_of_joblib_has_no_table_beside_it(lab, monkeypatch, capsys):
    """It is in this process, where its live line is."""
    pytest.importorskip("hydra_plugins.hydra_joblib_launcher")
    monkeypatch.setattr(live, "shown", None)
    words = ["seed=1,2", "epochs=1", "hydra/launcher=joblib", "hydra.launcher.n_jobs=1"]
    assert main(["train", "-m", *words]) == 0
    out = capsys.readouterr().out
    assert out.count(" complete ") == 2
    assert "[2/2] seed=2 epochs=1 (1 of 2 done)" in out
    starts = [path.read_text().split() for path in lab.rglob("starts")]
    assert starts == [[str(os.getpid())]] * 2
