"""What a terminal shows of a sweep whose jobs are in other processes."""

import os
import pty
import re
import subprocess
import sys

import pytest
import stand_in


def terminal(lab, *words):
    """Everything a command writes to a terminal of 150 columns, and its exit status."""
    ours, theirs = pty.openpty()
    environment = stand_in.environment(
        lab, STAND_IN_SECONDS="0.7", COLUMNS="150", LINES="40", TERM="xterm"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "vaelab", *words],
        cwd=lab, env=environment, stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    text = b""
    while True:
        try:
            read = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not read:
            break
        text += read
    os.close(ours)
    return process.wait(), re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text.decode())


@pytest.mark.slow
def test_a_live_table_instead_of_interleaved_lines(lab):
    pytest.importorskip("joblib")
    words = ["seed=1,2,3,4", "epochs=3", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2"]
    code, text = terminal(lab, "train", "-m", *words)
    assert code == 0, text
    sweep = re.search(r"sweep \w{8} epochs=3: 0 of 4 done", text)
    assert sweep, text
    assert re.search(r"│ seed=\d │ running process \d+ on ", text)
    assert re.search(r"│ seed=4 │ waiting +│", text)
    assert "[1/4]" not in text  # what jobs print would tear the table
    assert text.count("Traceback") == 0
    last = text[text.rindex("test nll") :]
    assert last.count(" complete ") == 4


@pytest.mark.slow
def test_one_line_of_the_sweep_before_each_run_in_this_process(lab):
    code, text = terminal(lab, "train", "-m", "seed=1,2,3", "epochs=1")
    assert code == 0, text
    assert re.findall(r"\[\d/3\] .*", text.replace("\r", "")) == [
        "[1/3] seed=1 epochs=1 (0 of 3 done)",
        "[2/3] seed=2 epochs=1 (1 of 3 done)",
        "[3/3] seed=3 epochs=1 (2 of 3 done)",
    ]
