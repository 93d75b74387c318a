"""Slurm's warning before it takes a job's machine away: checkpoint first, then be queued again."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def requeued() -> Iterator[None]:
    """Let the warning end what is inside as Ctrl-C does, then let submitit queue the job again.

    submitit's own handler would do so in the middle of an update, without a checkpoint. It saves
    the job's call with the same arguments, which finds its run and goes on; it does not return.
    Outside of submitit's jobs nothing changes.
    """
    name = os.environ.get("SUBMITIT_PREEMPT_SIGNAL", "USR2")  # as submitit reads it
    number = getattr(signal, f"SIG{name}")
    requeue = signal.getsignal(number)
    if not callable(requeue):
        yield
        return
    warned: list[int] = []

    def warn(number: int, _: FrameType | None) -> None:
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
            requeue(number, None)  # nothing to lose yet: the processes of a run still meet
        elif not warned:
            warned.append(number)
            signal.raise_signal(signal.SIGINT)

    kept = {
        number: signal.signal(number, warn),
        # A shell starts what is in its background with SIGINT ignored.
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
    }
    try:
        yield
    except KeyboardInterrupt:
        if not warned:
            raise
        requeue(warned[0], None)
    finally:
        for one, handler in kept.items():
            signal.signal(one, handler)
