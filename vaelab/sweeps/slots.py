"""Places on a machine for the jobs of one sweep: as many as may work side by side.

Each has the GPUs that belong to it. A place is a locked file, which a killed job leaves free.
"""

import fcntl
import os
import time
from pathlib import Path

from vaelab.runs import lock

_taken: dict[Path, int] = {}  # descriptors, which stay open as long as the process lives


def take(folder: Path, count: int) -> int | None:
    """The number of a free place, waited for; the process keeps it until it ends.

    Once CUDA is in use a process cannot change its GPUs, so that a worker has one place for all
    its jobs: None where it has one already, perhaps of a time when there were more.
    """
    if folder in _taken:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        for number in range(count):
            descriptor = os.open(
                folder / f"place{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644
            )
            if lock.locks(descriptor, fcntl.LOCK_EX):
                _taken[folder] = descriptor
                return number
            os.close(descriptor)
        time.sleep(0.5)
