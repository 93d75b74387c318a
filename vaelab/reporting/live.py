"""Tables of runs: once, or rewritten while anything runs."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from rich.console import Console, RenderableType
from rich.live import Live

from vaelab.meanwhile import meanwhile
from vaelab.reporting import runs
from vaelab.reporting.tables import ORDER, fitted, tables, title
from vaelab.sweeps.sweep import Sweep

EVERY = 1.0  # seconds between two looks at the files
QUIET = 60.0  # seconds between two lines where there is no terminal


def silent() -> AbstractContextManager[None]:
    """Show nothing: a launcher that trains in this process has its own live line."""
    return nullcontext()


def on_a_terminal() -> bool:
    """Whether a table can be rewritten."""
    return Console().is_terminal


@contextmanager
def shown(sweep: Sweep) -> Iterator[None]:
    """A live table of a sweep whose jobs are elsewhere; without a terminal, a line now and then."""
    console = Console()

    def table() -> RenderableType:
        return fitted([runs.group(sweep)], console)

    if on_a_terminal():
        seen = patient(table)
        with Live(
            console=console, get_renderable=seen, refresh_per_second=1 / EVERY, transient=True
        ):
            yield
        return
    before = None

    def speak() -> None:
        nonlocal before
        group = runs.group(sweep)
        if before != (before := counts(group)):
            print(group.line(), flush=True)

    with meanwhile(QUIET, speak):
        yield


def watch(read: Callable[[], list[runs.Group]], console: Console) -> None:
    """Show the groups until nothing is going on in any; Ctrl-C leaves."""
    try:
        if not console.is_terminal:
            follow(read)
            return
        with Live(console=console, auto_refresh=False) as display:
            while True:
                started = time.monotonic()
                groups = read()
                if not any(group.busy for group in groups):
                    display.update(tables(groups))  # stays, with all of it
                    return
                display.update(fitted(groups, console), refresh=True)
                time.sleep(rest(time.monotonic() - started))
    except KeyboardInterrupt:
        return


def follow(read: Callable[[], list[runs.Group]]) -> None:
    """A line of each group whenever its counts have changed."""
    before: dict[str, tuple[int, ...]] = {}
    while True:
        groups = read()
        for group in groups:
            if before.get(title(group)) != (now := counts(group)):
                before[title(group)] = now
                print(f"{title(group)}: {group.line()}", flush=True)
        if not any(group.busy for group in groups):
            return
        time.sleep(EVERY)


def counts(group: runs.Group) -> tuple[int, ...]:
    """How many runs are in each state."""
    return tuple(group.count(state) for state in ORDER)


def patient(table: Callable[[], RenderableType]) -> Callable[[], RenderableType]:
    """The same table, made anew only so often that it takes a twentieth of a core."""
    made: list[RenderableType] = []
    due = 0.0

    def render() -> RenderableType:
        nonlocal due
        started = time.monotonic()
        if started >= due or not made:
            made[:] = [table()]
            due = time.monotonic() + rest(time.monotonic() - started)
        return made[0]

    return render


def rest(seconds: float) -> float:
    """How long to wait after a look that took so many seconds."""
    return max(EVERY, 20 * seconds)


def show(groups: list[runs.Group], console: Console) -> None:
    """Print the tables once; in a pipe one run is one line."""
    plain = not console.is_terminal
    if plain:
        console = Console(file=sys.stdout, highlight=False, width=10_000)
    console.print(tables(groups, plain))
