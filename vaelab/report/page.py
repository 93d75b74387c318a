"""The report as one HTML page: no network, no library; tables are drawn when it is opened.

Each run's details and pictures are blocks of JSON of their own, which are read when a run is
chosen: opening the page costs the tables alone.
"""

import json
import os
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from vaelab.composing.spelling import duration
from vaelab.report import words
from vaelab.report.figures import embedded, size
from vaelab.report.history import POINTS
from vaelab.report.published_sheet import published_sheet
from vaelab.report.record import Record
from vaelab.report.report import Report
from vaelab.report.run_sheet import run_sheet
from vaelab.report.seed_sheet import seed_sheet
from vaelab.report.sheet import Cell, Sheet

MARK = '<meta name="generator" content="vaelab report">'
HERE = Path(__file__).parent
SCRIPTS = ("page.js", "table.js", "details.js", "curves.js", "figures.js", "start.js")
VIEWS = {"Runs": run_sheet, "Over seeds": seed_sheet}


def text(report: Report, folder: Path) -> str:
    """The page, which will lie in `folder`."""
    return "".join(parts(report, folder))


def parts(report: Report, folder: Path) -> Iterator[str]:
    """The page in order: what is seen first is first."""
    title = f"{len(report.records)} run{'s' if len(report.records) != 1 else ''}"
    style = (HERE / "page.css").read_text(encoding="utf-8")
    body = (HERE / "page.html").read_text(encoding="utf-8")
    yield f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n{MARK}\n'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
    yield f"<title>{escape(title)} - vaelab report</title>\n<style>\n{style}</style>\n</head>\n"
    yield f"<body>\n{body}"
    yield block("report", about(report, title))
    script = "\n".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS)
    most = size(len(report.records))
    # Before the pictures, so that the tables are there while those still arrive.
    yield f"<script>\n'use strict';\n{script}</script>\n"
    for place, record in enumerate(report.records):
        yield block(f"details-{place}", details(record, folder))
        yield block(f"figures-{place}", embedded(record.folder / "figures", most))
    yield "</body>\n</html>\n"


def block(name: str, content: Mapping[str, Any]) -> str:
    """JSON that the page can hold: no character of it can end the block."""
    line = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        line = line.replace(character, f"\\u{ord(character):04x}")
    return f'<script type="application/json" id="{name}">{line}</script>\n'


def about(report: Report, title: str) -> dict[str, Any]:
    """What is read when the page is opened."""
    states: dict[str, int] = {}
    for record in report.records:
        states[record.status] = states.get(record.status, 0) + 1
    counts = ", ".join(f"{count} {name}" for name, count in states.items())
    views = {name: sheet(make(report)) for name, make in VIEWS.items()}
    return {
        "title": f"{title}: {counts}" if len(states) > 1 else f"{title}, {counts}",
        "facts": [
            ["made", f"{report.made:%Y-%m-%d %H:%M}, {report.version}"],
            ["command", report.command],
            ["evaluation", report.evaluation],
            *(["note", note] for note in report.notes),
        ],
        "views": views,
        "published": sheet(published_sheet(report)) if report.published else None,
        "parts": [report.parts(place) for place in range(len(report.records))],
        "names": [record.name for record in report.records],
        "first": first_chosen(report),
        "embedded": f"Embedded: {size(len(report.records))}; curves of at most {POINTS} epochs. "
        "The originals are in the runs' folders.",
    }


def sheet(table: Sheet) -> dict[str, Any]:
    """A table; cells as [text, value, tip, kind] without empty ends."""
    columns = [vars(column) for column in table.columns]
    rows = [[cell(one) for one in row] for row in table.rows]
    return {"columns": columns, "rows": rows, "members": table.members}


def cell(one: Cell) -> list[Any]:
    """The tip is said once where it is the text."""
    values: list[Any] = [one.text, one.value, one.tip, one.kind]
    while values and values[-1] in ("", None):
        values.pop()
    return values


def first_chosen(report: Report) -> list[int]:
    """Runs that are drawn before any is chosen: the first of up to four groups with curves."""
    drawn = [
        next((place for place in group.members if report.records[place].history.rows), None)
        for group in report.groups
    ]
    return [place for place in drawn if place is not None][:4]


def details(record: Record, folder: Path) -> dict[str, Any]:
    """What is behind one run."""
    results, cost = record.results, record.results.get("cost") or {}
    versions = results.get("versions") or {}
    passes = [f"{cost[one]:,} {one.partition('_')[0]}" for one in PASSES if one in cost]
    seconds = cost.get("seconds")
    facts = {
        "folder": str(record.folder),
        "why": record.reason,
        "ended": (results.get("training") or {}).get("ended"),
        "model": model(results.get("model") or {}),
        "labels": ", ".join(record.labels),
        "took": duration(seconds) if isinstance(seconds, int | float) else "",
        "passes": ", ".join(passes),
        "device": results.get("device"),
        "threads": results.get("threads"),
        "host": results.get("host"),
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "commit": results.get("git_commit"),
    }
    return {
        "command": record.command,
        "link": quote(Path(os.path.relpath(record.folder, folder)).as_posix()),
        "facts": [[name, str(text)] for name, text in facts.items() if text not in (None, "")],
        "metrics": [
            [
                one.title,
                split,
                name,
                words.metric(name, found, record.units),
                words.measured(found, split),
            ]
            for one in record.evaluations
            for split, metrics in one.metrics.items()
            for name, found in metrics.items()
        ],
        "curves": record.history.curves(),
    }


PASSES = ("encoder_passes", "decoder_passes")


def model(found: Mapping[str, Any]) -> str:
    """Which epoch is the model."""
    return f"epoch {found['epoch']}, the {found.get('select')}" if "epoch" in found else ""
