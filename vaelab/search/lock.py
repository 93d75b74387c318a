"""A lock of the operating system on a file: a process that dies, however, lets go of it."""

import fcntl
import os
from pathlib import Path
from types import TracebackType


class FileLock:
    """Waits until it is free. Optuna's own are files that a killed process leaves behind.

    Like that of runs it is `lockf`'s, which forked children of a killed process do not keep. Each
    file may be locked by one object of a process at a time: closing any descriptor of it would let
    go of the lock.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.descriptor: int | None = None

    def acquire(self) -> bool:
        """Wait for it; always true, as Optuna's journal expects."""
        self.descriptor = self._open()
        fcntl.lockf(self.descriptor, fcntl.LOCK_EX)
        return True

    def try_acquire(self) -> bool:
        """Take it if it is free."""
        descriptor = self._open()
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self.descriptor = descriptor
        return True

    def release(self) -> None:
        """Let go of it."""
        assert self.descriptor is not None
        os.close(self.descriptor)
        self.descriptor = None

    def _open(self) -> int:
        assert self.descriptor is None, f"{self.path} is locked by this object"
        return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def __enter__(self) -> "FileLock":
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


class JournalLock(FileLock):
    """The lock of a file of lines, of which a killed writer may have left the last one torn.

    Args:
        journal: the file.
    """

    def __init__(self, journal: Path) -> None:
        super().__init__(journal.with_name(f"{journal.name}.lock"))
        self.journal = journal.resolve()

    def acquire(self) -> bool:
        """Wait for it; a torn last line is cut off, since nobody else can be writing it."""
        super().acquire()
        with self.journal.open("r+b") as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.seek(0)
                    file.truncate(file.read().rfind(b"\n") + 1)
        return True
