"""The diagnosis that a table asks for, of all its finished runs: pictures for its pages."""

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vaelab.errors import UserError
from vaelab.reproduce.outcome import Outcome, Report, Trained
from vaelab.reproduce.request import Request, config_folders
from vaelab.runs.run import Run

log = logging.getLogger(__name__)
ELSEWHERE = ("lightning", "threads")  # settings that say where a run is looked at


def pictures(report: Report, request: Request, folder: Path) -> tuple[Path, ...]:
    """What the diagnosis drew in `folder`; none where no run is finished, or if it cannot be done.

    It is made again if its settings, its runs or their results are others than it was made of.
    """
    asked, found = report.table.diagnosis, labelled(report.outcomes)
    assert asked is not None
    if not found:
        return ()
    from vaelab.diagnosis.make import RECORD, diagnose, subjects  # imports torch
    from vaelab.diagnosis.settings import settle

    runs = list(found.values())
    texts = [text for text in request.extra if text.partition("=")[0] in ELSEWHERE]
    try:
        node = settle(asked.name, asked.settings, *config_folders(request.config_dir))
        if not made_of(folder / RECORD, node, found):
            print(f"diagnosing {len(runs)} runs: {asked.name}", flush=True)
            diagnose(asked.name, node, subjects(runs, texts, list(found)), folder)
    except Exception as error:  # the numbers are there: a picture must not cost them
        why = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        log.exception("the diagnosis failed")
        print(f"vaelab: diagnosis {asked.name}: {' '.join(why.split())}", file=sys.stderr)
        return ()
    return tuple(sorted(folder.rglob("*.png")))


def labelled(outcomes: Sequence[Outcome]) -> dict[str, Run]:
    """Every finished run once, by the labels of its first cell; a seed where a cell has several."""
    rows: dict[str, set[Path]] = {}
    for one in outcomes:
        rows.setdefault(one.cell.row.name, set()).update(run.folder for run in one.runs[:1])
    found: dict[str, Run] = {}
    seen: set[Path] = set()
    for one in outcomes:
        for run in one.runs:
            if run.value is None or run.folder in seen:
                continue
            seen.add(run.folder)
            found[label(one, run, len(rows[one.cell.row.name]) > 1)] = Run(run.folder)
    return found


def label(outcome: Outcome, run: Trained, columns: bool) -> str:
    """Row, column if a row has runs of several, and seed if the cell has several."""
    parts = [outcome.cell.row.label]
    parts += [outcome.cell.column.label] if columns else []
    parts += [f"seed {run.seed}"] if len(outcome.runs) > 1 else []
    return ", ".join(parts)


def made_of(record: Path, node: Mapping[str, Any], runs: Mapping[str, Run]) -> bool:
    """Whether a diagnosis that is there is of these settings and of these runs as they are."""
    try:
        known = json.loads(record.read_text(encoding="utf-8"))
        made = record.stat().st_mtime_ns
    except (OSError, json.JSONDecodeError):
        return False
    same = known["settings"] == json.loads(json.dumps(node))
    same = same and known["runs"] == {name: str(run) for name, run in runs.items()}
    return same and all(run.results.stat().st_mtime_ns <= made for run in runs.values())
