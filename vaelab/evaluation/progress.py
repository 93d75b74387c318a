"""A bar on the terminal for what takes longer than a moment."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress

PATIENCE = 2.0  # seconds before the bar shows


def silent(done: int) -> None:
    """Show nothing."""


@contextmanager
def bar(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Gives a function to call with each number of examples done; silent but on a terminal."""
    if not sys.stderr.isatty():
        yield silent
        return
    started = time.monotonic()
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=total, visible=False)

        def advance(done: int) -> None:
            progress.update(task, advance=done, visible=time.monotonic() - started > PATIENCE)

        yield advance
