"""Who is at a run: its lock, asked from this process, another one, or another machine's disk."""

import errno
import fcntl
import os
import subprocess
import sys
import threading

import pytest

from vaelab.cli import main
from vaelab.errors import UserError
from vaelab.reporting.row import row
from vaelab.runs import heartbeat, lock
from vaelab.runs.heartbeat import SILENT, Heartbeat
from vaelab.runs.run import Busy, Run
from vaelab.runs.run import find as run_at
from vaelab.sweeps import job

HERE = os.uname().nodename


def seen_by_another(folder):
    """The run's status as another process sees it; only that one can tell whether a lock holds."""
    ask = "import pathlib, sys; from vaelab.runs.run import Run; "
    ask += "print(Run(pathlib.Path(sys.argv[1])).status)"
    words = [sys.executable, "-c", ask, str(folder)]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def running(tmp_path):
    run = Run(tmp_path / "run")
    with run.lock():
        run.update(status="running")
        yield run


@pytest.mark.parametrize(
    "look", [lambda run: row(run.folder), Run.holder, Run.locked, lambda run: run.status]
)
def test_who_looks_at_a_run_lets_nobody_in(running, look):
    look(running)
    assert seen_by_another(running.folder) == "running"
    assert row(running.folder).why == f"process {os.getpid()} on {HERE}"


def test_a_thread_that_is_asking_while_the_lock_is_taken_lets_nobody_in(tmp_path, monkeypatch):
    run = Run(tmp_path)
    run.update(status="running")
    (tmp_path / "lock").write_text("")
    asking, lockf = threading.Event(), fcntl.lockf

    def slow(descriptor, kind):
        if threading.current_thread() is not threading.main_thread():
            asking.set()
            over.wait(0.3)  # it has the file open
        return lockf(descriptor, kind)

    over = threading.Event()
    monkeypatch.setattr(fcntl, "lockf", slow)
    thread = threading.Thread(target=run.locked)
    thread.start()
    asking.wait(10)
    with run.lock():
        over.set()
        thread.join()
        assert seen_by_another(tmp_path) == "running"


def test_asking_does_not_take_it(tmp_path):
    """Two who ask at once: neither may think that the other one trains."""
    run = Run(tmp_path)
    with run.lock():
        run.update(status="running")
    with (tmp_path / "lock").open("rb") as other:
        code = (
            "import fcntl, sys; fcntl.lockf(0, fcntl.LOCK_SH); print('x', flush=True);"
            "sys.stdin.close(); import time; time.sleep(60)"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=other, stdout=subprocess.PIPE
        )
        assert process.stdout
        process.stdout.read(1)
        assert run.status == "interrupted"
        process.kill()
        process.communicate()


@pytest.mark.parametrize("why", [errno.EROFS, errno.EACCES])
def test_a_disk_that_is_only_read_is_asked_all_the_same(running, monkeypatch, capsys, why):
    ask = (
        "import os, sys, pathlib\n"
        "opened = os.open\n"
        "def only_read(path, flags, *mode, **more):\n"
        f"    if flags & (os.O_RDWR | os.O_WRONLY): raise OSError({why}, os.strerror({why}))\n"
        "    return opened(path, flags, *mode, **more)\n"
        "os.open = only_read\n"
        "from vaelab.cli import main\n"
        "sys.exit(main(['runs', sys.argv[1]]))"
    )
    (running.folder / "config.yaml").write_text("seed: 1\n")
    words = [sys.executable, "-c", ask, str(running.folder)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"running process {os.getpid()} on {HERE}" in done.stdout


def test_a_run_on_a_disk_that_is_only_read_is_not_begun(tmp_path, monkeypatch):
    opened = os.open

    def only_read(path, flags, *mode, **more):
        if flags & os.O_RDWR:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return opened(path, flags, *mode, **more)

    monkeypatch.setattr(os, "open", only_read)
    with pytest.raises(UserError, match=r"cannot be written \(Read-only file system\)"):
        Run(tmp_path).lock().__enter__()


def test_a_disk_without_locks_is_refused_and_nobody_is_seen_there(tmp_path, monkeypatch):
    def none(descriptor, kind):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    run = Run(tmp_path)
    with run.lock():
        run.update(status="running")
    monkeypatch.setattr(fcntl, "lockf", none)
    assert run.status == "interrupted"
    with pytest.raises(UserError, match="No locks available"), run.lock():
        pass
    assert not lock.ours(tmp_path / "lock")


def on_another_machine(run, seconds, status="running"):
    """A run whose lock this machine does not see."""
    run.update(status=status)
    (run.folder / "lock").write_text("process 7 on node9")
    heartbeat.write(run.folder, Heartbeat(stage="training", host="node9", boot="another"))
    then = (run.folder / heartbeat.FILE).stat().st_mtime - seconds
    os.utime(run.folder / heartbeat.FILE, (then, then))


def test_another_name_of_this_machine_is_no_other_machine(tmp_path):
    run = Run(tmp_path)
    run.update(status="running")
    heartbeat.write(tmp_path, Heartbeat(stage="training", host="a-container"))
    assert (run.locked(), run.status) == (False, "interrupted")
    heartbeat.write(tmp_path, Heartbeat(host="node9", boot=""))  # where kernels have no names
    assert run.locked()
    heartbeat.write(tmp_path, Heartbeat(boot=""))
    assert not run.locked()


def test_a_job_waits_until_another_machine_is_silent(tmp_path, monkeypatch, capsys):
    run, slept = Run(tmp_path), []
    on_another_machine(run, 12)

    def sleep(seconds):
        slept.append(seconds)
        if len(slept) == 3:
            on_another_machine(run, 301)

    monkeypatch.setattr(job.time, "sleep", sleep)
    job.wait_for_silence(run)
    assert len(slept) == 3
    assert "is not heard of on node9" in capsys.readouterr().out
    job.wait_for_silence(run)
    assert len(slept) == 3


def test_a_run_that_another_machine_is_heard_to_train_is_not_trained_here(lab, capsys):
    assert main(["train", "epochs=1"]) == 0
    run = run_at("outputs")
    on_another_machine(run, 12)
    capsys.readouterr()
    assert (run.status, run.locked(), run.held()) == ("running", True, False)
    assert main(["train", "epochs=1"]) == 1
    err = capsys.readouterr().err
    assert "is being trained on node9" in err
    assert f"delete {run}/heartbeat.json" in err
    assert err.count("\n") == 1
    assert len((run.folder / "starts").read_text().split()) == 1
    assert (run.folder / "lock").read_text() == "process 7 on node9"
    (run.folder / heartbeat.FILE).unlink()  # what that line proposes
    assert main(["train", "epochs=1"]) == 0
    assert len((run.folder / "starts").read_text().split()) == 2


@pytest.mark.parametrize(
    ("seconds", "status"), [(SILENT + 1, "running"), (12, "interrupted"), (12, "failed")]
)
def test_silence_and_an_end_that_was_said_let_others_in(tmp_path, seconds, status):
    run = Run(tmp_path)
    on_another_machine(run, seconds, status)
    assert not run.locked()
    with run.lock():
        assert run.holder() == f"process {os.getpid()} on {HERE}"


def test_a_sweep_waits_for_a_run_of_another_machine(lab, monkeypatch, capsys):
    assert main(["train", "-m", "epochs=1", "seed=1,2"]) == 0
    run = Run(next(lab.rglob("seed2")))
    on_another_machine(run, 12)
    capsys.readouterr()

    def finished(_):
        run.update(status="complete")

    monkeypatch.setattr("vaelab.sweeps.launch.time.sleep", finished)
    assert main(["train", "-m", "epochs=1", "seed=1,2"]) == 0
    assert "waiting for 1 runs that others seem to be at" in capsys.readouterr().out
    assert len((run.folder / "starts").read_text().split()) == 1


def test_the_lock_is_refused_to_this_process_without_letting_go(running):
    with pytest.raises(Busy, match="by this process"), Run(running.folder).lock():
        pass
    assert seen_by_another(running.folder) == "running"
