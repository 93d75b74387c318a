"""How a run should use the CPU: threads, on a machine that others use too, and tiny numbers."""

import ctypes
import os
import time
from contextlib import suppress
from pathlib import Path

# Of malloc.h: M_MMAP_MAX, blocks that are mapped on their own; M_TRIM_THRESHOLD and M_TOP_PAD,
# bytes at the end of the heap that are kept, and asked for at once.
MALLOPT = {-4: 0, -1: 2**31 - 1, -2: 2**26}


def choose(setting: int | None, several: bool = False) -> int:
    """The setting; else OMP_NUM_THREADS; else 1 beside other jobs; else the cores that are free."""
    if setting is not None:
        return setting
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    if several:
        return 1
    cores = available()
    return max(1, cores - round(busy(cores)))


def use(threads: int) -> None:
    """Compute with so many threads, and with numbers below float32's normal range as zero.

    A VampPrior's far components get gradients of e^-90 and less. A CPU handles each such
    (subnormal) number by microcode: Frey Faces trained thirteen times slower once most were.
    """
    import torch

    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    keep_memory()


def keep_memory() -> None:
    """Let the C library keep large blocks that are freed, for the next step to use.

    It gives each back to the system otherwise and gets it again page by page: an eighth of the
    CPU time of a convolutional step (100,000 page faults).
    """
    with suppress(OSError, AttributeError):  # only the GNU C library has these
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in MALLOPT.items():
            mallopt(option, value)


def available() -> int:
    """Cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def busy(cores: int, seconds: float = 0.1) -> float:
    """Cores at work on other things, sampled; the load average where there is no /proc/stat."""
    before = _ticks()
    if before is None:
        return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    time.sleep(seconds)
    after = _ticks() or before
    total = after[0] - before[0]
    return cores * (after[1] - before[1]) / total if total > 0 else 0.0


def _ticks() -> tuple[int, int] | None:
    """(all, busy) clock ticks of the cores this process may use, since the machine started."""
    try:
        lines = Path("/proc/stat").read_text(encoding="utf-8").splitlines()
        mine = {f"cpu{core}" for core in os.sched_getaffinity(0)}
    except (OSError, AttributeError):
        return None
    total = idle = 0
    for line in lines:
        name, *fields = line.split()
        if name in mine:
            ticks = [int(field) for field in fields[:8]]  # guest time is in user time already
            total += sum(ticks)
            idle += ticks[3] + ticks[4]
    return total, total - idle
