"""A sweep of eight runs by the basic launcher and by joblib: wall time, and parallel efficiency.

Efficiency is t(basic) / (jobs t(joblib)), each run with one thread, start-up included; 1 says that
side by side costs nothing. Sweeps alternate and each has its own folder; before the first of each
launcher comes one of two runs that is not counted, which warms the file system's caches.

    python scripts/bench_launchers.py --jobs 2 --epochs 30 --repeats 3
    python scripts/bench_launchers.py --launcher ray
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CELLS = ["dataset=digits", "lightning=cpu", "threads=1", "patience=null", "evaluation.samples=100"]


def seconds(folder: Path, launcher: str, jobs: int, epochs: int, seeds: int) -> float:
    """Wall time of a whole `vaelab train -m`."""
    settings = {
        "basic": [],
        "joblib": [f"hydra.launcher.n_jobs={jobs}"],
        "ray": [f"hydra.launcher.ray.init.num_cpus={jobs}", "hydra.launcher.ray.remote.num_cpus=1"],
    }
    numbers = ",".join(str(seed) for seed in range(1, seeds + 1))
    words = [f"seed={numbers}", f"epochs={epochs}", f"output_dir={folder}", *CELLS]
    command = [sys.executable, "-m", "vaelab", "train", "-m", *words, f"hydra/launcher={launcher}"]
    started = time.perf_counter()
    done = subprocess.run(
        [*command, *settings[launcher]],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{launcher}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--launcher", default="joblib", choices=["joblib", "ray"])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    taken: dict[str, list[float]] = {"basic": [], given.launcher: []}
    with tempfile.TemporaryDirectory() as name:
        for launcher in taken:
            seconds(Path(name) / f"{launcher}-warm", launcher, given.jobs, 1, 2)
        for repeat in range(given.repeats):
            for launcher, times in taken.items():
                folder = Path(name) / f"{launcher}-{repeat}"
                times.append(seconds(folder, launcher, given.jobs, given.epochs, given.runs))
                print(f"{launcher}: {times[-1]:.1f} s", flush=True)
    alone, beside = (statistics.median(times) for times in taken.values())
    print(
        f"{given.runs} runs of {given.epochs} epochs, {given.jobs} jobs: median of {given.repeats}"
    )
    print(f"basic {alone:.1f} s, {given.launcher} {beside:.1f} s")
    print(f"efficiency {alone / (given.jobs * beside):.2f}")


if __name__ == "__main__":
    main()
