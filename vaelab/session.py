"""What surrounds training: signals, warnings for whoever watches, and Lightning's chatter."""

import logging
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console


class ConsoleHandler(logging.Handler):
    """Prints warnings above the live line, in words and without a time stamp."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.WARNING)
        self.console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Print one warning."""
        self.console.print(f"warning: {record.getMessage()}", style="yellow", markup=False)


@contextmanager
def spoken(console: Console) -> Iterator[None]:
    """Show the user what vaelab warns of, besides the log."""
    handler, logger = ConsoleHandler(console), logging.getLogger("vaelab")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Gather SIGINT and SIGTERM inside, so that an update is never torn; a second one kills.

    Yields:
        A list that is empty until a signal has come.
    """
    asked: list[int] = []

    def ask(number: int, _: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        print("\nStopping after this update (again: at once)", file=sys.stderr, flush=True)

    numbers = [signal.SIGINT]
    # A handler that is there already is submitit's, to which Slurm's SIGTERM is but a prelude.
    if signal.getsignal(signal.SIGTERM) in (signal.SIG_DFL, signal.SIG_IGN):
        numbers.append(signal.SIGTERM)
    kept = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield asked
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Without Lightning's banners, tips and advice on loaders it is not given."""
    names = ("pytorch_lightning", "lightning.pytorch", "lightning_fabric")
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"pytorch_lightning|lightning_fabric")
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)
