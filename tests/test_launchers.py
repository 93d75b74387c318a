"""Sweeps through Hydra's launchers: who gets what of a machine, and jobs that are moved."""

import json
import logging
import os
import signal
import subprocess
import sys
import time

import pytest
import slurm
import stand_in

from vaelab.cli import main
from vaelab.composing.compose import Composer
from vaelab.errors import Interrupted, UserError
from vaelab.session import stop_signals
from vaelab.sweeps import launchers
from vaelab.sweeps.launchers import Share, defaults
from vaelab.sweeps.plan import plan
from vaelab.sweeps.requeue import requeued


def config(threads=None, **lightning):
    return {"threads": threads, "lightning": {"accelerator": "auto", "devices": 1} | lightning}


@pytest.fixture
def eight_cores(monkeypatch):
    monkeypatch.setattr(launchers, "available", lambda: 8)
    monkeypatch.setattr(launchers, "visible", lambda config: [])


@pytest.mark.parametrize(
    ("given", "settings", "tasks", "share"),
    [
        ("", config(), 20, Share(8, 1)),
        ("", config(), 3, Share(3, 2)),  # no more jobs than there are runs
        ("", config(threads=4), 20, Share(2, 4)),
        ("", config(accelerator="cpu", devices=2), 20, Share(4, 1)),
        ("hydra.launcher.n_jobs=2", config(), 20, Share(2, 4)),
        ("hydra.launcher.n_jobs=16", config(), 20, Share(16, 1)),
        ("hydra.launcher.n_jobs=-1", config(), 20, Share(8, 1)),
        ("hydra.launcher.n_jobs=-3", config(), 20, Share(6, 1)),
        ("hydra.launcher.n_jobs=1", config(), 20, Share(1, 8)),  # in this process, as by basic
    ],
)
def test_cores_are_shared_out(eight_cores, given, settings, tasks, share):
    told = [f"hydra.launcher.n_jobs={share.jobs}"]
    assert defaults("joblib", given.split(), settings, tasks) == (share, told)
    if not given:
        told = [f"hydra.launcher.timeout_min={365 * 24 * 60}"]
        assert defaults("submitit_local", [], settings, tasks) == (share, told)


@pytest.mark.parametrize(
    ("given", "settings", "devices"),
    [
        ("", config(), ("0", "1", "2", "3")),
        ("", config(devices=2), ("0,1", "2,3")),
        ("hydra.launcher.n_jobs=6", config(), ("0", "1", "2", "3", "0", "1")),
    ],
)
def test_a_job_has_its_gpus(monkeypatch, given, settings, devices):
    monkeypatch.setattr(launchers, "available", lambda: 8)
    monkeypatch.setattr(launchers, "visible", lambda config: ["0", "1", "2", "3"])
    share, _ = defaults("joblib", given.split(), settings, 20)
    assert share.devices == devices
    assert share.jobs == len(devices)


def test_a_last_run_has_a_worker_of_joblib_too(eight_cores):
    """Of one job joblib makes a call in this process, which would die with it."""
    share, told = defaults("joblib", [], config(), 1)
    assert (share, told) == (Share(2, 8), ["hydra.launcher.n_jobs=2"])
    assert launchers.apart("joblib", share)
    alone, _ = defaults("joblib", ["hydra.launcher.n_jobs=1"], config(), 1)
    assert not launchers.apart("joblib", alone)


@pytest.mark.parametrize(
    ("devices", "each"), [(1, 1), ("1", 1), ("2", 2), (2, 2), ("auto", 4), (-1, 4), ("-1", 4)]
)
def test_devices_are_read_as_lightning_does(monkeypatch, devices, each):
    monkeypatch.setattr(launchers, "available", lambda: 8)
    monkeypatch.setattr(launchers, "visible", lambda config: ["0", "1", "2", "3"])
    share, _ = defaults("submitit_local", [], config(devices=devices), 20)
    assert (share.jobs, share.devices[0].count(",") + 1) == (4 // each, each)
    _, told = defaults("ray", [], config(devices=devices), 20)
    assert told[0].endswith(".num_cpus=" + str(2 * each))
    if each < 4:
        _, told = defaults("submitit_slurm", [], config(devices=devices), 20)
        assert {f"hydra.launcher.{unit}_per_node={each}" for unit in ("tasks", "gpus")} <= {*told}


@pytest.mark.parametrize("devices", ["auto", -1, "-1"])
def test_slurm_must_be_told_how_many_gpus(devices):
    with pytest.raises(UserError, match=r"set lightning\.devices=N, of each machine$"):
        defaults("submitit_slurm", [], config(devices=devices), 20)
    _, told = defaults("submitit_slurm", [], config(devices=devices, accelerator="cpu"), 20)
    assert "hydra.launcher.tasks_per_node=1" in told


@pytest.mark.parametrize("launcher", ["joblib", "submitit_local", "submitit_slurm", "ray"])
@pytest.mark.parametrize(("devices", "count"), [([1], 1), ("1,", 1), ("0,2", 2)])
def test_gpus_that_are_handed_out_cannot_be_named(launcher, devices, count):
    """A job sees its own only, by other numbers."""
    with pytest.raises(UserError, match=rf"\]: hydra/launcher={launcher} .* set .*={count}; "):
        defaults(launcher, [], config(devices=devices), 20)
    assert defaults("basic", [], config(devices=devices), 20) == (Share(), [])


def test_no_gpu_is_asked_for_where_the_cpu_is_chosen():
    assert launchers.visible(config(accelerator="cpu")) == []


def test_ray_is_told_what_a_job_needs(monkeypatch):
    monkeypatch.setattr(launchers, "available", lambda: 8)
    monkeypatch.setattr(launchers, "visible", lambda config: ["0", "1"])
    _, told = defaults("ray", [], config(), 20)
    assert told == ["hydra.launcher.ray.remote.num_cpus=4", "hydra.launcher.ray.remote.num_gpus=1"]
    typed = ["hydra.launcher.ray.remote.num_gpus=0.5"]
    assert defaults("ray", typed, config(), 20)[1] == told[:1]


def place(folder, seconds):
    """A process that is a job with two places, says which is its own, and stays."""
    code = (
        "import os, sys, time, pathlib; from vaelab.sweeps.job import Job;"
        "from vaelab.sweeps.launchers import Share; from vaelab.sweeps.sweep import Sweep;"
        "sweep = Sweep(pathlib.Path(sys.argv[1]), '', ());"
        "job = Job([], 'submitit_local', sweep, Share(2, 3, ('5', '7')), False, 0)\n"
        "with job.settled():\n"
        "  print(os.environ['CUDA_VISIBLE_DEVICES'], os.environ['OMP_NUM_THREADS'], flush=True)\n"
        "  time.sleep(float(sys.argv[2]))"
    )
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    words = [sys.executable, "-c", code, str(folder), str(seconds)]
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)


def test_places_are_for_one_job_and_free_once_it_is_killed(tmp_path):
    first, second = place(tmp_path, 60), place(tmp_path, 60)
    said = [process.stdout.readline().split() for process in (first, second)]
    assert sorted(said) == [["5", "3"], ["7", "3"]]
    third = place(tmp_path, 0)
    with pytest.raises(subprocess.TimeoutExpired):
        third.wait(timeout=1.0)
    first.kill()
    assert third.stdout.readline().split() == said[0]
    for process in (first, second, third):
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def submitits_handlers():
    """What submitit has set in a job before it calls us; with what they were called."""
    called = []
    kept = {
        number: signal.signal(number, lambda number, _: called.append(number))
        for number in (signal.SIGUSR2, signal.SIGTERM)
    }
    yield called
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_slurms_warning_lets_training_write_its_checkpoint_first(submitits_handlers):
    order = []
    with requeued(), stop_signals() as stops:
        signal.raise_signal(signal.SIGTERM)  # comes first; not a reason to stop
        assert not stops.asked
        assert submitits_handlers == [signal.SIGTERM]
        signal.raise_signal(signal.SIGUSR2)
        signal.raise_signal(signal.SIGUSR2)  # one for every step of the job
        assert stops.asked
        order.append("checkpoint")
        assert submitits_handlers == [signal.SIGTERM]
        # What a run does with Interrupted (vaelab.runs.job.attempt).
        raise KeyboardInterrupt from Interrupted()
    assert order == ["checkpoint"]
    assert submitits_handlers == [signal.SIGTERM, signal.SIGUSR2]


def test_slurms_warning_queues_again_what_still_waits_for_other_processes(submitits_handlers):
    with requeued(), stop_signals(meets=True):
        signal.raise_signal(signal.SIGUSR2)  # SIGINT would end the process now
        assert submitits_handlers == [signal.SIGUSR2]


def test_slurms_warning_ends_at_once_what_is_not_training(submitits_handlers):
    with requeued():
        signal.raise_signal(signal.SIGUSR2)
        pytest.fail("went on")
    assert submitits_handlers == [signal.SIGUSR2]


def test_ctrl_c_is_not_queued_again(submitits_handlers):
    with pytest.raises(KeyboardInterrupt), requeued():
        signal.raise_signal(signal.SIGINT)
    assert submitits_handlers == []


def test_a_missing_launcher_is_named_with_its_extra(lab, capsys, monkeypatch):
    monkeypatch.setattr(Composer, "launchers", lambda self: ["basic"])
    for name, extra in launchers.EXTRAS.items():
        assert main(["train", "-m", "seed=1,2", f"hydra/launcher={name}"]) == 2
        wanted = f"hydra/launcher={name}: needs a package; pip install 'vaelab[{extra}]'"
        assert capsys.readouterr().err == f"vaelab: {wanted}\n"


def script(monkeypatch, *words):
    """What `sbatch` would be given for a sweep of two."""
    from submitit.slurm.slurm import SlurmExecutor

    from vaelab.sweeps import launch as sweep

    written = []

    def submit(executor, delayed):
        executor.parameters["map_count"] = len(delayed)
        written.append(executor._make_submission_file_text("COMMAND", "id"))
        raise InterruptedError

    monkeypatch.setattr(SlurmExecutor, "affinity", classmethod(lambda cls: 2))
    monkeypatch.setattr(SlurmExecutor, "_internal_process_submissions", submit)
    composer = Composer(multirun=True)
    tasks = plan(composer.cells(["seed=1,2", "hydra/launcher=submitit_slurm", *words]))
    with pytest.raises(sweep.Lost):
        sweep.start(composer, tasks, sweep.planned(composer, tasks, tasks), 1)
    return [line.removeprefix("#SBATCH --") for line in written[0].splitlines()]


def test_the_script_for_slurm(lab, monkeypatch):
    pytest.importorskip("submitit")
    lines = script(monkeypatch, "hydra.launcher.partition=long", "hydra.launcher.timeout_min=90")
    assert {"gpus-per-node=1", "cpus-per-task=2", "ntasks-per-node=1", "nodes=1"} <= set(lines)
    assert {"time=90", "partition=long", "signal=USR2@120", "array=0-1%2"} <= set(lines)
    assert any(line.endswith("COMMAND") and line.startswith("srun ") for line in lines)


def test_the_script_for_slurm_asks_for_no_gpu_that_is_not_wanted(lab, monkeypatch):
    pytest.importorskip("submitit")
    lines = script(monkeypatch, "lightning=cpu", "threads=6")
    assert "cpus-per-task=6" in lines
    assert not any(line.startswith("gpus") for line in lines)


def test_submitits_debug_executor(lab, monkeypatch, capsys):
    """The jobs of a sweep in this process, by way of their pickles' functions."""
    Composer()  # Hydra executes its plugins' modules once more when it looks for them
    submitted = pytest.importorskip("hydra_plugins.hydra_submitit_launcher.submitit_launcher")
    monkeypatch.setattr(submitted.LocalLauncher, "_EXECUTOR", "debug")
    opened = []

    class Noted(logging.FileHandler):  # submitit closes none of its own
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            opened.append(self)

    monkeypatch.setattr(logging, "FileHandler", Noted)
    words = ["train", "-m", "seed=1,2", "clip_norm=1,666", "hydra/launcher=submitit_local"]
    assert main([*words, "epochs=1"]) == 1
    out = capsys.readouterr().out
    for handler in opened:
        handler.close()
    assert (out.count(" complete "), out.count("failed: ")) == (2, 2)


@pytest.fixture
def started(lab):
    """Starts a command; nothing of it stays when the test has failed."""
    processes = []

    def start(*words, **variables):
        process = subprocess.Popen(
            [sys.executable, "-m", "vaelab", *words],
            cwd=lab, env=stand_in.environment(lab, **variables), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


def trained(lab):
    """Of every run: how often it was started, its status, its threads."""
    found = {}
    for path in lab.rglob("results.json"):
        results = json.loads(path.read_text())
        starts = (path.parent / "starts").read_text().split()
        found[path.parent.name] = (len(starts), results["status"], results["threads"])
    return found


def wait_for(condition, seconds=300):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


@pytest.mark.slow
def test_local_submitit_jobs_take_turns(lab, started):
    """submitit starts all at once; there is a place for one at a time."""
    pytest.importorskip("submitit")
    process = started(
        "train", "-m", "seed=1,2,3", "epochs=2", "hydra/launcher=submitit_local",
        f"threads={os.cpu_count()}", STAND_IN_SECONDS="0.5",
    )  # fmt: skip
    together = set()
    while process.poll() is None:
        held = [p for p in lab.rglob("lock") if p.parent.name.startswith("seed")]
        together.add(
            sum(os.path.exists(f"/proc/{p.read_text().split()[1]}") for p in held if p.read_text())
        )
        time.sleep(0.05)
    assert process.returncode == 0, process.stdout.read()
    assert trained(lab) == {f"seed{n}": (1, "complete", os.cpu_count()) for n in (1, 2, 3)}
    assert max(together) == 1


@pytest.mark.slow
def test_a_local_submitit_job_that_is_warned_is_started_again_and_goes_on(lab, started):
    pytest.importorskip("submitit")
    process = started(
        "train", "-m", "seed=1", "epochs=40", "hydra/launcher=submitit_local",
        STAND_IN_SECONDS="0.2",
    )  # fmt: skip
    wait_for(lambda: any(lab.rglob("last.ckpt")))
    (lock,) = lab.rglob("seed1/lock")
    os.kill(int(lock.read_text().split()[1]), signal.SIGUSR2)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, out
    assert trained(lab)["seed1"][:2] == (2, "complete")
    (ended,) = lab.rglob("seed1/epochs")
    assert ended.read_text().split() == [str(n) for n in range(1, 41)]  # none of them twice


@pytest.mark.slow
def test_jobs_of_submitit_outlive_who_submitted_them(lab, started):
    pytest.importorskip("submitit")
    process = started(
        "train", "-m", "seed=1", "epochs=10", "hydra/launcher=submitit_local",
        STAND_IN_SECONDS="0.3",
    )  # fmt: skip
    wait_for(lambda: any(lab.rglob("last.ckpt")))
    process.kill()
    process.wait()
    (results,) = lab.rglob("results.json")
    wait_for(lambda: json.loads(results.read_text())["status"] == "complete")
    assert trained(lab)["seed1"][:2] == (1, "complete")


@pytest.mark.slow
def test_a_job_that_slurm_preempts_is_queued_again_and_goes_on(lab, started):
    """With a Slurm of our own (tests/slurm.py): sbatch, srun and requeue are scripts."""
    pytest.importorskip("submitit")
    commands = lab / "commands"
    commands.mkdir()
    slurm.install(commands)
    process = started(
        "train", "-m", "seed=1,2", "epochs=30", "hydra/launcher=submitit_slurm",
        "lightning=cpu", PATH=f"{commands}:{os.environ['PATH']}", STAND_IN_SECONDS="0.2",
    )  # fmt: skip
    wait_for(lambda: any(lab.rglob("seed1/**/last.ckpt")))
    (lock,) = lab.rglob("seed1/lock")
    for warning in (signal.SIGTERM, signal.SIGUSR2):  # as Slurm sends them
        os.kill(int(lock.read_text().split()[1]), warning)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, out
    found = trained(lab)
    assert {seed: one[:2] for seed, one in found.items()} == {
        "seed1": (2, "complete"), "seed2": (1, "complete"),
    }  # fmt: skip
    (ended,) = lab.rglob("seed1/epochs")
    assert ended.read_text().split() == [str(n) for n in range(1, 31)]


def test_where_there_is_no_slurm_it_is_said(lab, capsys, monkeypatch):
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", str(lab))
    assert main(["train", "-m", "seed=1,2", "hydra/launcher=submitit_slurm"]) == 1
    err = capsys.readouterr().err
    assert err.startswith('vaelab: hydra/launcher=submitit_slurm: Could not detect "srun"')
    assert err.count("\n") == 1
