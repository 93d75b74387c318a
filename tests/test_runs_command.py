"""`vaelab runs`: what is going on, read from files that others write."""

import io
import json
import os
import re
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from rich.console import Console

from vaelab.cli import main
from vaelab.reporting import live
from vaelab.reporting.row import Row
from vaelab.reporting.runs import Group, group, overview
from vaelab.runs import heartbeat
from vaelab.runs.heartbeat import Heartbeat
from vaelab.runs.run import Run
from vaelab.sweeps import sweep as swept

HEADER = "epoch,beta,train/elbo,val/elbo,val/kl,val/au,seconds"


def made(folder, status="complete", epochs=3, lock=None, beat=None, **results):
    """A run's folder; the validation ELBO of epoch k is -100 + k, its KL k, its units 2 k."""
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("seed: 1\nepochs: 5\nbatch_size: 100\n")
    rows = [f"{k},1.0,-99.0,{-100 + k}.0,{k}.0,{2 * k}.0,{k}.5" for k in range(1, epochs + 1)]
    (folder / "metrics.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    (folder / "results.json").write_text(json.dumps({"status": status, **results}))
    if lock is not None:
        (folder / "lock").write_text(lock)
    if beat is not None:
        heartbeat.write(folder, beat)
    return folder


def young(folder, seconds):
    """Let the heartbeat be so old."""
    then = time.time() - seconds
    os.utime(folder / heartbeat.FILE, (then, then))


def rows(*folders):
    return {row.folder.name: row for group in overview(folders) for row in group.rows}


TRAINING = {
    "stage": "training",
    "epoch": 4,
    "epochs": 5,
    "left": 90.0,
    "seconds": 60.0,
    "units": 40,
}


def test_states_come_from_the_files(tmp_path):
    made(tmp_path / "whole", model={"epoch": 2}, training={"epochs": 3}, cost={"seconds": 7.0})
    made(tmp_path / "failed", "failed", reason="the loss is not a number")
    made(tmp_path / "killed", "running", lock=f"process 7 on {os.uname().nodename}")
    made(tmp_path / "stopped", "interrupted", reason="stopped in epoch 3")
    made(tmp_path / "early", "pruned", reason="after epoch 3")
    made(tmp_path / "torn")
    (tmp_path / "torn" / "results.json").write_text('{"status": "comp')
    found = rows(tmp_path)
    assert {name: row.state for name, row in found.items()} == {
        "whole": "complete", "failed": "failed", "killed": "interrupted", "stopped": "interrupted",
        "early": "pruned", "torn": "damaged",
    }  # fmt: skip
    assert found["failed"].why == "the loss is not a number"
    assert "delete it to train this run again" in found["torn"].why
    whole = found["whole"]  # its model is epoch 2, not the last
    assert (whole.elbo, whole.kl, whole.active) == (-98.0, 2.0, 4)
    assert (whole.epoch, whole.epochs, whole.seconds) == (3, 5, 7.0)
    assert (found["failed"].elbo, found["failed"].epoch) == (-97.0, 3)


def test_who_holds_the_lock_runs(tmp_path):
    folder = made(tmp_path / "a", "running", beat=Heartbeat(**TRAINING))
    assert rows(tmp_path)["a"].state == "interrupted"
    with Run(folder).lock():
        row = rows(tmp_path)["a"]
    assert row.state == "running"
    assert row.why == f"process {os.getpid()} on {os.uname().nodename}"
    assert (row.epoch, row.epochs, row.left, row.units) == (4, 5, 90.0, 40)
    assert row.elbo == -97.0  # of the last epoch that has ended
    assert row.heard < 5


@pytest.mark.parametrize(("seconds", "state"), [(12, "running"), (4000, "interrupted")])
def test_a_run_of_another_machine_is_believed_while_it_is_heard(tmp_path, seconds, state):
    beat = Heartbeat(**TRAINING, host="node9", boot="another")
    folder = made(tmp_path / "a", "running", lock="process 7 on node9", beat=beat)
    young(folder, seconds)
    row = rows(tmp_path)["a"]
    assert row.state == state
    assert row.why == f"on node9, last heard {'12s' if seconds == 12 else '1h06m'} ago"


def planned(output_dir, names, folders):
    words = [["dataset=digits", name, "hydra/launcher=basic"] for name in names]
    return swept.begin(output_dir, folders, words)


def test_a_sweep_shows_what_has_not_begun(tmp_path, capsys):
    folders = [tmp_path / "train" / name for name in ("a", "b", "c")]
    made(folders[0], cost={"seconds": 40.0})
    made(folders[1], "running", beat=Heartbeat(**TRAINING))
    made(tmp_path / "train" / "other")
    sweep = planned(tmp_path, ["seed=1", "seed=2", "seed=3"], folders)
    first, rest = overview([tmp_path])
    assert [row.state for row in first.rows] == ["complete", "interrupted", "planned"]
    assert [row.label for row in first.rows] == ["seed=1", "seed=2", "seed=3"]
    assert first.sweep.title == "dataset=digits"
    assert [row.folder.name for row in rest.rows] == ["other"]
    assert not first.busy
    with sweep.held(), Run(folders[1]).lock():
        (first, _) = overview([tmp_path])
        # 90 s of the running one are left, of 150 in all; the one to come takes between 40 and
        # 150, the median of the two known ones.
        assert first.line() == "1 of 3 done, 1 running, about 3m05s left"
        assert [row.state for row in first.rows] == ["complete", "running", "waiting"]
    assert not swept.read(sweep.folder).alive
    capsys.readouterr()
    assert main(["runs", str(tmp_path), "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(one["sweep"], one["state"]) for one in listed] == [
        (sweep.name, "complete"), (sweep.name, "interrupted"), (sweep.name, "planned"),
        (None, "complete"),
    ]  # fmt: skip


def test_a_sweep_is_seen_from_another_process(tmp_path):
    sweep = planned(tmp_path, ["seed=1"], [tmp_path / "train" / "a"])
    ask = (
        "import sys, pathlib; from vaelab.sweeps.sweep import read;"
        "print(read(pathlib.Path(sys.argv[1])).alive)"
    )
    words = [sys.executable, "-c", ask, str(sweep.folder)]

    def alive():
        return subprocess.run(words, capture_output=True, text=True).stdout

    with sweep.held():
        assert sweep.alive  # asking must not let go of it
        assert alive() == "True\n"
    assert alive() == "False\n"


def test_a_run_of_several_sweeps_stands_in_the_largest(tmp_path):
    folders = [tmp_path / "train" / name for name in ("a", "b", "c")]
    planned(tmp_path, ["seed=1"], folders[:1])
    planned(tmp_path, ["seed=1", "seed=2", "seed=3"], folders)
    (only,) = overview([tmp_path])
    assert len(only.rows) == 3
    # The same runs are the same sweep, whatever order they are typed in.
    again = planned(tmp_path, ["seed=3", "seed=2", "seed=1"], folders[::-1])
    assert again.folder == only.sweep.folder


def test_a_run_of_several_sweeps_stands_in_the_one_that_is_at_work(tmp_path):
    folders = [tmp_path / "train" / f"seed{n}" for n in range(1, 7)]
    large = planned(tmp_path, [f"seed={n}" for n in range(1, 7)], folders)
    small = planned(tmp_path, ["seed=3", "seed=4"], folders[2:4])
    with small.held():  # between two of its runs
        first, rest = overview([tmp_path])
    assert (first.sweep.name, first.busy) == (small.name, True)
    assert [row.label for row in first.rows] == ["seed=3", "seed=4"]
    assert (rest.sweep.name, rest.busy) == (large.name, False)
    assert [row.label for row in rest.rows] == ["seed=1", "seed=2", "seed=5", "seed=6"]
    with small.held(), large.held():
        (only,) = overview([tmp_path])
    assert len(only.rows) == 6


def test_sweeps_of_output_folders_below_are_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        planned(Path(name), ["seed=1", "seed=2"], [Path(name, "train", f"seed{n}") for n in (1, 2)])
    folder = made(Path("b/train/seed1"))
    both = overview([Path()])
    assert [len(group.rows) for group in both] == [2, 2]
    assert all(group.sweep for group in both)
    assert folder in [row.folder for group in both for row in group.rows]
    named = overview([Path("a"), Path("b")])
    assert [group.sweep for group in named] == [group.sweep for group in both]


def test_a_folder_below_shows_its_part_of_a_sweep(tmp_path):
    folders = [tmp_path / "train" / kind / "seed1" for kind in ("a", "b")]
    for folder in folders:
        made(folder)
    planned(tmp_path, ["prior=mog", "prior=vamp"], folders)
    (part,) = overview([tmp_path / "train" / "a"])
    assert [row.label for row in part.rows] == ["prior=mog"]


def test_in_a_pipe_a_run_is_a_line(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made(Path("outputs/train") / ("a" * 150), "failed", reason="because " * 40)
    assert main(["runs"]) == 0
    title, head, line = capsys.readouterr().out.splitlines()
    assert title.strip() == "runs: 0 of 1 done, 1 failed"
    assert head.split()[:2] == ["state", "epoch"]
    assert line.startswith("failed because because")
    assert line.rstrip().endswith(f"outputs/train/{'a' * 150}")


def test_mistakes(tmp_path, capsys):
    assert main(["runs", str(tmp_path / "nowhere")]) == 2
    assert "no such folder" in capsys.readouterr().err
    assert main(["runs", "--watch", "--json", str(tmp_path)]) == 2
    assert "leave one of them out" in capsys.readouterr().err


@pytest.mark.parametrize("terminal", [True, False])
def test_watching_ends_when_nothing_runs(tmp_path, capsys, monkeypatch, terminal):
    folder = made(tmp_path / "a", "running", beat=Heartbeat(**TRAINING))
    monkeypatch.setattr(live, "EVERY", 0.05)
    looks = []

    def read():
        looks.append(None)
        if len(looks) == 4:
            over.set()
            time.sleep(0.1)
        return overview([tmp_path])

    over, held = threading.Event(), threading.Event()

    def hold():
        with Run(folder).lock():
            held.set()
            over.wait(10)
            Run(folder).update(status="complete")

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    live.watch(read, Console(force_terminal=terminal, width=150))
    thread.join()
    assert len(looks) >= 4
    out = capsys.readouterr().out
    if terminal:
        assert "complete" in out
    else:
        assert out == "runs: 0 of 1 done, 1 running, about 1m30s left\nruns: 1 of 1 done\n"


@pytest.fixture
def screen(tmp_path, monkeypatch):
    """What a terminal so high shows at first."""
    monkeypatch.setattr(live, "rest", lambda seconds: 0.0)
    return lambda *given: shown(tmp_path, *given)


def shown(tmp_path, height, groups=None):
    console = Console(force_terminal=True, width=400, height=height, file=io.StringIO())
    looks = iter([groups or overview([tmp_path])])

    def read():
        for groups in looks:
            return groups
        raise KeyboardInterrupt

    live.watch(read, console)
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console.file.getvalue()).splitlines()


def test_what_runs_stands_on_a_terminal_that_is_too_low_for_all(tmp_path, screen):
    for n in range(40):
        made(tmp_path / f"a{n:02}")
    folder = made(tmp_path / "z", "running", beat=Heartbeat(**TRAINING))
    with Run(folder).lock():
        lines = screen(20)
        assert f"running process {os.getpid()}" in "\n".join(lines)
        # The title, the table's four lines of its own, 14 rows and this one.
        assert lines[19] == "and 27 more: 27 complete"
        assert len(lines) in (20, 40)  # the same once more, where Ctrl-C leaves
        assert "and " not in "\n".join(screen(46))
        assert screen(5)[0] == "and 41 more: 1 running, 40 complete"


def test_the_running_rows_of_every_sweep_come_before_all_others(tmp_path, screen):
    complete = [Row(tmp_path / str(n), str(n), "complete") for n in range(30)]
    waiting = [Row(tmp_path / str(n), str(n), "waiting") for n in range(30)]
    running = Row(tmp_path / "now", "now", "running")
    over, first, second = Group(complete), Group([*waiting, running]), Group([*waiting, running])
    lines = screen(20, [over, first, second])
    tables = "\n".join(lines).split("runs: ")[1:3]
    assert [text.count(" running ") for text in tables] == [1, 1]
    assert len(lines) in (20, 40)
    # Of 20 lines each title and table has five of its own: 9 rows of 92, of which 2 are running.
    assert lines[19] == "and 83 more: 53 waiting, 30 complete"


def test_ctrl_c_leaves_the_watching(tmp_path):
    def interrupted():
        raise KeyboardInterrupt

    live.watch(interrupted, Console(force_terminal=True))


def test_five_hundred_runs_in_two_seconds_without_torch(tmp_path):
    for n in range(500):
        made(tmp_path / "train" / f"run{n}" / "hash" / "seed1", epochs=100)
    planned(
        tmp_path,
        [f"seed={n}" for n in range(250)],
        [tmp_path / "train" / f"run{n}" / "hash" / "seed1" for n in range(250)],
    )
    code = (
        "import sys; from vaelab.cli import main; main(['runs', sys.argv[1]]);"
        "sys.stderr.write(' '.join({m.partition('.')[0] for m in sys.modules}))"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.stdout.count(" 100/5 ") == 500
    assert not {"torch", "hydra", "omegaconf", "numpy"} & set(done.stderr.split())
    # The processor's time: others may be at work on this machine.
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert spent < 2.0


def test_a_heartbeat_stays_young_while_a_step_takes_long(tmp_path, monkeypatch):
    monkeypatch.setattr(heartbeat, "EVERY", 0.05)
    heartbeat.write(tmp_path, Heartbeat(**TRAINING))
    with heartbeat.beating(tmp_path):
        young(tmp_path, 100)
        end = time.monotonic() + 10
        while heartbeat.read(tmp_path)[1] > 50 and time.monotonic() < end:
            time.sleep(0.01)
        beat, heard = heartbeat.read(tmp_path)
        assert heard < 50
        assert (beat.stage, beat.epoch, beat.left) == ("starting", 4, None)
    young(tmp_path, 100)
    time.sleep(0.2)
    assert heartbeat.read(tmp_path)[1] > 50  # nobody is left who would keep it young


def test_an_alive_sweep_counts_what_is_to_come(tmp_path):
    folders = [tmp_path / "train" / str(n) for n in range(5)]
    for folder in folders[:2]:
        made(folder, cost={"seconds": 30.0})
    sweep = planned(tmp_path, [f"seed={n}" for n in range(5)], folders)
    assert group(sweep).line() == "2 of 5 done"  # nobody is at it: nothing is to be waited for
    with sweep.held():
        assert group(sweep).line() == "2 of 5 done, about 1m30s left"


def test_runs_that_nobody_will_resume_are_not_waited_for(tmp_path):
    made(tmp_path / "whole", cost={"seconds": 100.0})
    for n in range(9):
        made(tmp_path / f"killed{n}", "interrupted")
    folder = made(tmp_path / "now", "running", beat=Heartbeat(**TRAINING))
    with Run(folder).lock():
        (found,) = overview([tmp_path])
    assert found.line() == "1 of 11 done, 9 interrupted, 1 running, about 1m30s left"
