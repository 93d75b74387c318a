"""What is shown at the end of a command: one run's result, or a table of many."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vaelab.composing.spelling import duration
from vaelab.runs.run import Run

FINAL = ("nll", "elbo")
DENSITY = ("log_likelihood", "log_likelihood_true")  # shown where a run has them


def show(run: Run) -> None:
    """Print a run's metrics and where its figures are."""
    results = run.read()
    console = make_console()
    if model := results.get("model"):
        epochs = results.get("training", {}).get("epochs")
        console.print(f"model: epoch {model['epoch']} of {epochs}, the {model['select']}")
    for split, metrics in results.get("metrics", {}).items():
        console.print(metrics_table(f"{split}", metrics))
    if labels := results.get("labels"):
        console.print(f"labels: {', '.join(labels)}")
    cost = results.get("cost", {})
    if "seconds" in cost:
        device = f" on {results['device']}" if "device" in results else ""
        console.print(f"took {duration(cost['seconds'])}{device}")
    if cost.get("aggressive_epochs"):
        until = "still on" if not cost["aggressive_over"] else "then joint"
        console.print(
            f"aggressive in {cost['aggressive_epochs']} epochs ({until}): "
            f"{cost['inner_steps_per_decoder_step']:.0f} encoder steps a decoder step, "
            f"{cost['inner_share']:.0%} of the updates' time"
        )
    shown = (path for path in run.figures.glob("*") if path.suffix in (".png", ".txt"))
    for figure in sorted(shown):
        console.print(f"figure: {_relative(figure)}")
    console.print(f"run: {run}")


def metrics_table(title: str, metrics: Mapping[str, Any]) -> Table:
    """One row a metric: value ± standard error, how it was estimated, from how much."""
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("metric")
    table.add_column("value", justify="right")
    table.add_column("estimator")
    table.add_column("samples", justify="right")
    table.add_column("n", justify="right")
    for name, found in metrics.items():
        cells = [found.get("estimator"), found.get("samples"), found.get("n")]
        table.add_row(name, number(found), *("" if cell is None else str(cell) for cell in cells))
    return table


def show_all(runs: list[Run], overrides: list[list[str]]) -> None:
    """Print one row a run: what differs, its status and its main results."""
    table = Table()
    found = [run.read() for run in runs]
    tests = [results.get("metrics", {}).get("test", {}) for results in found]
    shown = [*FINAL, *(name for name in DENSITY if any(name in test for test in tests))]
    spelt = (f"test {name.replace('_', ' ')}" for name in shown)
    for column in ("run", "status", "epochs", *spelt, "folder"):
        table.add_column(column, overflow="fold")
    common = set.intersection(*(set(words) for words in overrides)) if len(overrides) > 1 else set()
    for run, words, results, test in zip(runs, overrides, found, tests, strict=True):
        own = " ".join(word.partition("@")[2] or word for word in words if word not in common)
        status = run.status
        reason = f": {results['reason']}" if status == "failed" and results.get("reason") else ""
        epochs = str(results.get("training", {}).get("epochs", ""))
        values = [number(test[name]) if name in test else "" for name in shown]
        cells = (own, status + reason, epochs, *values, str(run))
        table.add_row(*map(Text, cells))  # what is in brackets is no markup
    make_console().print(table)


def show_checks(verdicts: list[tuple[list[str], str, str]]) -> None:
    """Print one row a job: what was typed, whether it would start, its folder or its fault."""
    table = Table()
    for column in ("job", "check", "folder or fault"):
        table.add_column(column, overflow="fold")
    for overrides, fault, folder in verdicts:
        words = " ".join(word.partition("@")[2] or word for word in overrides)
        table.add_row(*map(Text, (words, "refused" if fault else "ok", fault or folder)))
    make_console().print(table)


def show_evaluation(path: Path) -> None:
    """Print the metrics of an evaluation's file."""
    results = json.loads(path.read_text(encoding="utf-8"))
    console = make_console()
    if "checkpoint" in results:
        console.print("weights: epoch {epoch} ({file})".format(**results["checkpoint"]))
    for split, metrics in results["metrics"].items():
        console.print(metrics_table(split, metrics))
    console.print(f"written: {_relative(path)}")


def number(found: Mapping[str, Any]) -> str:
    """A value with its standard error, as many digits as the error supports.

    A count of units of several latent levels says how many each has: "66 (40 + 26)", top first.
    """
    value, error = found.get("value"), found.get("se")
    if value is None:
        return "-"
    if isinstance(value, int):
        levels = found.get("levels", ())
        return f"{value} ({' + '.join(map(str, levels))})" if len(levels) > 1 else str(value)
    if not error:
        return f"{value:.2f}"
    # Two significant digits of the error; of one that is all but zero, not a line of them.
    digits = min(6, max(2, 1 - math.floor(math.log10(error))))
    return f"{value:.{digits}f} ± {error:.{digits}f}"


def make_console() -> Console:
    """As wide as the terminal."""
    # Off a terminal rich assumes 80 columns and folds paths, which then cannot be copied.
    console = Console(highlight=False, soft_wrap=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = 160
    return console


def _relative(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
