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


class Stops:
    """SIGINT and SIGTERM, gathered so that an update is never torn; a second one kills.

    Attributes:
        asked: whether one has come.
        numbers: those that are gathered.
    """

    def __init__(self) -> None:
        self.asked = False
        self.numbers = [signal.SIGINT]
        # A handler that is there already is submitit's, to which Slurm's SIGTERM is but a prelude.
        if signal.getsignal(signal.SIGTERM) in (signal.SIG_DFL, signal.SIG_IGN):
            self.numbers.append(signal.SIGTERM)

    def listen(self) -> None:
        """From now on."""
        for number in self.numbers:
            signal.signal(number, self.ask)

    def ask(self, number: int, _: FrameType | None) -> None:
        """A signal has come."""
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True
        print("\nStopping after this update (again: at once)", file=sys.stderr, flush=True)


@contextmanager
def stop_signals(meets: bool = False) -> Iterator[Stops]:
    """Gather signals inside.

    Args:
        meets: whether the process first waits for others, in calls in which Python sees no signal:
            until `listen` is called they end it at once, when there is nothing to lose yet.
    """
    stops = Stops()
    kept = {number: signal.getsignal(number) for number in stops.numbers}
    if meets:
        for number in stops.numbers:
            signal.signal(number, signal.SIG_DFL)
    else:
        stops.listen()
    try:
        yield stops
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
