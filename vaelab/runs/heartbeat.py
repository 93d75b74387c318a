"""A run's sign of life: where training is, in a small file that any other process may read."""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from vaelab.meanwhile import meanwhile

FILE = "heartbeat.json"
EVERY = 5.0  # seconds between two of them
SILENT = 300.0  # seconds after which a run that only its heartbeat vouches for is not believed


@dataclass(frozen=True)
class Heartbeat:
    """Where a run is.

    Attributes:
        stage: starting, training or evaluating.
        epoch: the one that is trained, counted from 1.
        batch: updates made in it.
        left: seconds to the last epoch at the present pace; None where that is not known yet.
        seconds: what training has taken so far, parts before a resumption included.
        units: latent dimensions.
    """

    stage: str = "starting"
    epoch: int | None = None
    epochs: int | None = None
    batch: int | None = None
    batches: int | None = None
    left: float | None = None
    seconds: float | None = None
    units: int | None = None
    pid: int = field(default_factory=os.getpid)
    host: str = field(default_factory=socket.gethostname)
    boot: str = field(default_factory=lambda: booted())

    @property
    def of_another_machine(self) -> bool:
        """Whether its process is on one. A container, or a new name, is no other machine."""
        if self.boot and booted():
            return self.boot != booted()
        return self.host != socket.gethostname()


@cache
def booted() -> str:
    """What the running kernel of this machine calls itself; empty where it has no such name."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return ""


def write(folder: Path, beat: Heartbeat) -> None:
    """Replace the file. It is not forced to the disk: after a power cut nobody asks for it."""
    temporary = folder / f".{FILE}.{os.getpid()}"
    with suppress(OSError):  # a full disk must not end training for this
        temporary.write_text(json.dumps(asdict(beat)), encoding="utf-8")
        temporary.replace(folder / FILE)


def read(folder: Path) -> tuple[Heartbeat | None, float]:
    """The last one, None where there is none, and the seconds since it was heard."""
    path = folder / FILE
    try:
        fields: dict[str, Any] = {"boot": ""}  # which older ones have not
        fields |= json.loads(path.read_text(encoding="utf-8"))
        return Heartbeat(**fields), age(path)
    except (OSError, ValueError, TypeError):
        return None, 0.0


def age(path: Path) -> float:
    """Seconds since a file was written; clocks of two machines may differ."""
    return max(0.0, time.time() - path.stat().st_mtime)


@contextmanager
def beating(folder: Path) -> Iterator[None]:
    """Keep the file young while this is open, also where one step takes an hour."""
    before, _ = read(folder)
    now = Heartbeat()
    if before is not None:  # where the run was interrupted
        now = replace(before, stage=now.stage, left=None, pid=now.pid, host=now.host, boot=now.boot)
    write(folder, now)

    def beat() -> None:
        with suppress(OSError):
            os.utime(folder / FILE)

    with meanwhile(EVERY, beat):
        yield
