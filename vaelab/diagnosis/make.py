"""Diagnose runs: where the files go, and how they get there whole."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vaelab.build import construct
from vaelab.composing.identity import canonical
from vaelab.diagnosis.base import Diagnosis, Progress, Subject
from vaelab.diagnosis.labels import distinguish
from vaelab.errors import UserError
from vaelab.evaluation.progress import bar
from vaelab.files import write_json
from vaelab.runs.again import settings_for
from vaelab.runs.provenance import provenance
from vaelab.runs.run import FINAL, Run
from vaelab.threads import choose, use

RECORD = "settings.json"


def subjects(
    runs: Sequence[Run], texts: list[str], labels: Sequence[str] | None = None
) -> list[Subject]:
    """Finished runs to diagnose.

    Args:
        runs: as found.
        texts: where it is done (lightning=, threads=).
        labels: one a run; None: what sets it apart from the others.

    Raises:
        UserError: a run is not finished, or a setting is wrong.
    """
    for run in runs:
        if run.status not in FINAL:
            raise UserError(f"{run}: is {run.status}; a run is diagnosed when it is complete")
    if not runs:
        use(choose(_threads(texts)))
    told = distinguish(runs) if labels is None else labels
    return [
        Subject(label, run, settings_for(run, texts, evaluation="quick"))
        for label, run in zip(told, runs, strict=True)
    ]


def _threads(texts: list[str]) -> int | None:
    """Of settings without a run, which has no place for others."""
    found = None
    for name, _, value in (text.partition("=") for text in texts):
        if name != "threads" or not value.isdecimal() or int(value) < 1:
            raise UserError(f"{name}={value}: without a run only threads=N can be said")
        found = int(value)
    return found


def build(name: str, node: Mapping[str, Any], count: int) -> Diagnosis:
    """The diagnosis that settled settings mean.

    Raises:
        UserError: its constructor refuses them, or it takes another number of runs.
    """
    try:
        diagnosis: Diagnosis = construct(node, {})
    except ValueError as error:
        raise UserError(f"diagnosis {name}: {error}") from error
    least, most = diagnosis.runs
    if count < least or (most is not None and count > most):
        span = f"{least}" if most == least else f"{least} to {most}"
        span = f"{least} or more" if most is None else span
        raise UserError(f"diagnosis {name}: takes {span} runs (got {count})")
    return diagnosis


def diagnose(
    name: str,
    node: Mapping[str, Any],
    subjects: Sequence[Subject],
    folder: Path,
    progress: Progress = bar,
) -> list[Path]:
    """Write a diagnosis's files and what they are of; returns them.

    The same settings of the same runs replace the same files, none of them half written.

    Args:
        name: of the diagnosis.
        node: its settings, settled.
        subjects: the runs.
        folder: where the files go.
        progress: shows bars.

    Raises:
        UserError: it cannot be done with these settings or runs.
    """
    diagnosis = build(name, node, len(subjects))
    with aside(folder) as made:
        written = diagnosis(subjects, made, progress)
        record = {
            "diagnosis": name,
            "settings": dict(node),
            "runs": {subject.label: str(subject.run) for subject in subjects},
            **provenance(),
        }
        write_json(made / RECORD, record)
    return [folder / path.relative_to(made) for path in written]


def place(name: str, node: Mapping[str, Any], runs: Sequence[Run], root: Path) -> Path:
    """RUN/diagnoses/<name>-<hash> for one run; <root>/diagnoses/<name>/<hash> for none or many."""
    several = [list(run.folder.resolve().parts[-3:]) for run in runs] if len(runs) > 1 else []
    text = json.dumps([canonical(node), several], sort_keys=True, separators=(",", ":"))
    hashed = hashlib.sha256(text.encode()).hexdigest()[:8]
    if len(runs) == 1:
        return runs[0].folder / "diagnoses" / f"{name}-{hashed}"
    return root / "diagnoses" / name / hashed


@contextmanager
def aside(folder: Path) -> Iterator[Path]:
    """An empty folder to write in, whose files replace those of `folder` if all went well."""
    made = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        made.mkdir(parents=True)
    except OSError as error:
        raise UserError(f"{folder}: cannot be made ({error.strerror})") from error
    try:
        yield made
        for path in sorted(one for one in made.rglob("*") if one.is_file()):
            target = folder / path.relative_to(made)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
    finally:
        shutil.rmtree(made, ignore_errors=True)
