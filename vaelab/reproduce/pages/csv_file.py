"""The table for programs: one line a cell, numbers in full."""

import csv
import io
from collections.abc import Iterable

from vaelab.reproduce.outcome import Outcome, Report

COLUMNS = (
    "row", "column", "published", "published_sd", "ours", "spread", "se", "n_seeds", "difference",
    "band_low", "band_high", "verdict", "inside", "unit", "metric", "estimator", "samples", "n",
    "budget", "marks", "certainty", "source", "command",
)  # fmt: skip
SAID = {True: "true", False: "false", None: ""}


def text(report: Report) -> str:
    """The file; what seeds differ in is separated by "; ", and an empty field is not known."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for outcome in report.outcomes:
        found = _numbers(outcome) | _origin(outcome, report)
        writer.writerow([found[name] for name in COLUMNS])
    return file.getvalue()


def _numbers(outcome: Outcome) -> dict[str, object]:
    cell = outcome.cell
    low, high = cell.band or (None, None)
    return {
        "row": cell.row.name,
        "column": cell.column.name,
        "published": cell.published,
        "published_sd": cell.published_sd,
        "ours": outcome.mean,
        "spread": outcome.spread,
        "se": outcome.se,
        "n_seeds": len(outcome.values),
        "difference": outcome.difference,
        "band_low": low,
        "band_high": high,
        "verdict": outcome.verdict,
        "inside": SAID[outcome.inside],
        "unit": cell.unit,
        "metric": cell.metric,
    }


def _origin(outcome: Outcome, report: Report) -> dict[str, object]:
    cell = outcome.cell
    shown = [run for run in outcome.runs if run.value is not None]
    return {
        "estimator": _joined(run.estimator for run in shown),
        "samples": _joined(run.samples for run in shown),
        "n": _joined(run.n for run in shown),
        "budget": report.budget[0],
        "marks": "; ".join(outcome.caveats if outcome.runs else outcome.marks),
        "certainty": cell.certainty,
        "source": cell.source,
        "command": _joined(run.command for run in outcome.runs),
    }


def _joined(values: Iterable[object]) -> str:
    """Each once."""
    return "; ".join(dict.fromkeys(str(value) for value in values if value is not None))
