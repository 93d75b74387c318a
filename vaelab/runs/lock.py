"""The lock of a run's folder: one process has it, and any process may ask whether and who.

A process that closes any descriptor of a file, also one that it opened to read, drops its lock on
that file. So the lock file is opened here only, and never again while this process has the lock.
"""

import errno
import fcntl
import os
import socket
import threading
import time
from pathlib import Path

from vaelab.errors import UserError

_held: dict[Path, int] = {}  # the descriptors of those that this process has
_alone = threading.Lock()  # a thread that asks must not have the file open while another takes it


def take(path: Path) -> bool:
    """Take it, without waiting for it; the operating system lets go of it when the process dies.

    Raises:
        UserError: the file cannot be written, or the disk has no locks.
    """
    # One who asks whether it is held shares it for an instant: try more than once.
    for attempt in range(5):
        time.sleep(0.02 * attempt)
        with _alone:
            if path in _held:
                return False
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            except OSError as error:
                raise UserError(
                    f"{path.parent}: cannot be written ({error.strerror}); set output_dir"
                ) from error
            try:
                if locks(descriptor, fcntl.LOCK_EX):
                    _held[path] = descriptor
                    return True
            except OSError as error:
                raise UserError(
                    f"{path}: cannot be locked ({error.strerror}); set output_dir to another disk"
                ) from error
            finally:
                if path not in _held:
                    os.close(descriptor)
    return False


def sign(path: Path) -> None:
    """Write into the file that this process has it."""
    os.ftruncate(_held[path], 0)
    os.pwrite(_held[path], f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)


def drop(path: Path) -> None:
    """Let go of it. The file stays: deleting it would let two processes in."""
    with _alone:
        os.close(_held.pop(path))


def ours(path: Path) -> bool:
    """Whether this process has it."""
    return path in _held


def is_held(path: Path) -> bool:
    """Whether some process, this one included, has it; also of a disk that is only read."""
    with _alone:
        if path in _held:
            return True
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:  # there is none; or who may not read it cannot ask either
            return False
        try:
            return not locks(descriptor, fcntl.LOCK_SH)
        except OSError:  # a disk without locks, where nobody can have one
            return False
        finally:
            os.close(descriptor)


def holder(path: Path) -> str:
    """Process and machine of whoever had it last; empty where that is not known."""
    with _alone:
        try:
            held = _held.get(path)
            text = path.read_bytes() if held is None else os.pread(held, 1000, 0)
        except OSError:
            return ""
    return text.decode(errors="replace")


def locks(descriptor: int, kind: int) -> bool:
    """Whether a lock of this kind could be taken, at once."""
    # lockf, not flock: a lock of flock lives on in forked children of a killed process.
    try:
        fcntl.lockf(descriptor, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN):
            return False
        raise
    return True
