"""Tables of runs: once, or rewritten while anything runs."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from vaelab.reporting import runs
from vaelab.reporting.row import Row
from vaelab.spelling import duration
from vaelab.swept import Sweep

STYLES = {"running": "cyan", "complete": "green", "failed": "red", "damaged": "red"}
STYLES |= {"interrupted": "yellow", "pruned": "dim", "waiting": "dim", "planned": "dim"}
ORDER = ("running", "failed", "damaged", "interrupted", "waiting", "planned", "pruned", "complete")
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

    def table() -> RenderableType:
        # What happens stands on top: a terminal may be too low for all.
        group = runs.group(sweep)
        return tables([replace(group, rows=sorted(group.rows, key=importance))])

    if on_a_terminal():
        with Live(get_renderable=patient(table), refresh_per_second=1 / EVERY, transient=True):
            yield
        return
    over = threading.Event()

    def speak() -> None:
        before = None
        while not over.wait(QUIET):
            group = runs.group(sweep)
            if before != (before := counts(group)):
                print(group.line(), flush=True)

    thread = threading.Thread(target=speak, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


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
                display.update(tables(groups), refresh=True)
                if not any(group.busy for group in groups):
                    return
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


def tables(groups: list[runs.Group], plain: bool = False) -> RenderableType:
    """One table a group under its title; `plain` without lines, for pipes."""
    shown: list[RenderableType] = []
    for group in groups:
        shown += [Text(f"{title(group)}: {group.line()}", style="bold"), table(group, plain)]
    return Group(*shown) if shown else Text("no runs")


def title(group: runs.Group) -> str:
    """Which sweep it is."""
    if group.sweep is None:
        return "runs"
    return " ".join(filter(None, ("sweep", group.sweep.name, group.sweep.title)))


def table(group: runs.Group, plain: bool) -> Table:
    """One row a run."""
    made = Table(box=None if plain else box.ROUNDED, pad_edge=not plain)
    labelled = group.sweep is not None
    columns = ("state", "epoch", "ELBO", "KL", "active", "left", "heard")
    for name in (*(["run"] if labelled else []), *columns, "folder"):
        right = name in columns[2:]
        made.add_column(name, justify="right" if right else "left", overflow="fold")
    for row in group.rows:
        state = Text(row.state, style=STYLES.get(row.state, ""))
        state.append(f" {row.why}" if row.why else "", style="not bold")
        cells = [
            state,
            epoch(row),
            "" if row.elbo is None else f"{row.elbo:.2f}",
            "" if row.kl is None else f"{row.kl:.2f}",
            units(row),
            "" if row.left is None else duration(row.left),
            "" if row.heard is None else duration(row.heard),
            Text(relative(row.folder)),
        ]
        made.add_row(*([Text(row.label)] if labelled else []), *cells)
    return made


def epoch(row: Row) -> str:
    """Where training is: "3/100", "3/100 batch 40/500", "100/100 evaluating"."""
    if row.epoch is None:
        return row.stage
    said = f"{row.epoch}/{row.epochs}" if row.epochs else f"{row.epoch}"
    if row.batch is not None and row.batches:
        said += f" batch {row.batch}/{row.batches}"
    return f"{said} {row.stage}" if row.stage in ("starting", "evaluating") else said


def units(row: Row) -> str:
    """Active units, of all where that is known."""
    if row.active is None:
        return ""
    return f"{row.active}/{row.units}" if row.units else f"{row.active}"


def importance(row: Row) -> int:
    """What is going on first, what is over last."""
    return ORDER.index(row.state) if row.state in ORDER else 0


def relative(folder: Path) -> str:
    """As it can be typed from here."""
    return str(folder.relative_to(Path.cwd())) if folder.is_relative_to(Path.cwd()) else str(folder)


def show(groups: list[runs.Group], console: Console) -> None:
    """Print the tables once; in a pipe one run is one line."""
    plain = not console.is_terminal
    if plain:
        console = Console(file=sys.stdout, highlight=False, width=10_000)
    console.print(tables(groups, plain))
