"""A Slurm of one machine: sbatch, srun, scontrol and sacct, as far as submitit uses them.

`install(folder)` writes the four commands; with the folder on PATH, `sbatch` starts a script's
array of jobs at once, and `scontrol requeue` has a job's script run again when it has ended.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

COMMANDS = ("sbatch", "srun", "scontrol", "sacct")


def install(folder: Path) -> None:
    for name in COMMANDS:
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} {name} "$@"\n')
        path.chmod(0o755)


def sbatch(script: str) -> None:
    number = 100 + len(list(Path(script).parent.glob("job*")))
    kept = Path(script).with_name(f"job{number}.sh").resolve()
    kept.write_text(Path(script).read_text())
    last = int(re.search(r"--array=0-(\d+)", kept.read_text()).group(1))
    for index in range(last + 1):
        subprocess.Popen(
            [sys.executable, __file__, "job", str(kept), str(number), str(index)],
            start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    print(f"Submitted batch job {number}")


def job(script: str, number: str, index: str) -> None:
    environment = os.environ | {
        "SLURM_JOB_ID": str(int(number) + 1 + int(index)), "SLURM_ARRAY_JOB_ID": number,
        "SLURM_ARRAY_TASK_ID": index, "SLURM_NTASKS": "1", "SLURM_JOB_NUM_NODES": "1",
        "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0",
        "SLURM_JOB_NODELIST": os.uname().nodename, "SLURM_NTASKS_PER_NODE": "1",
        "SLURM_JOB_NAME": "vaelab", "FAKE_SLURM": str(Path(script).parent),
    }  # fmt: skip
    again = marker(Path(script).parent, f"{number}_{index}")
    while True:
        subprocess.run(["bash", script], env=environment, check=False)
        if not again.exists():
            return
        again.unlink()


def srun(*words: str) -> None:
    number, index = os.environ["SLURM_ARRAY_JOB_ID"], os.environ["SLURM_ARRAY_TASK_ID"]

    def file(option: str):
        name = words[words.index(option) + 1]
        path = Path(name.replace("%A", number).replace("%a", index).replace("%t", "0"))
        path.parent.mkdir(parents=True, exist_ok=True)  # jobs of ours do not wait in a queue
        return path.open("a")

    start = next(n for n, word in enumerate(words) if word == sys.executable)
    with file("--output") as out, file("--error") as err:
        raise SystemExit(subprocess.run(words[start:], stdout=out, stderr=err).returncode)


def scontrol(word: str, job: str) -> None:
    assert word == "requeue"
    marker(Path(os.environ["FAKE_SLURM"]), job).touch()


def sacct(*_: str) -> None:
    print("JobID|State|NodeList")


def marker(folder: Path, job: str) -> Path:
    return folder / f"requeue-{job}"


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
