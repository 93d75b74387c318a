"""The runs' figures beside the page that shows them, so that it can be moved or sent."""

import shutil
from pathlib import Path
from urllib.parse import quote

from vaelab.reproduce.outcome import Outcome, Report

FIRST = ("curves", "samples", "reconstructions", "pseudo_inputs", "components", "log_likelihood")


def copy_figures(report: Report, folder: Path) -> dict[Path, list[Path]]:
    """Copy them to figures/<row>/<column>/ of the first cell that a run is of.

    Returns:
        a run's folder -> its copies, relative to `folder`.
    """
    copied: dict[Path, list[Path]] = {}
    for outcome in report.outcomes:
        for run in outcome.runs:
            if run.folder in copied:  # several cells may show one run
                continue
            found = sorted((run.folder / "figures").glob("*.png"), key=_order)
            copied[run.folder] = [_copy(one, outcome, run.seed, folder) for one in found]
    return copied


def _copy(source: Path, outcome: Outcome, seed: int, folder: Path) -> Path:
    row, column = outcome.cell.row.name, outcome.cell.column.name
    path = Path("figures", _file_name(row), _file_name(column), f"seed{seed}-{source.name}")
    target = folder / path
    if not _same(source, target):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    return path


def _file_name(name: str) -> str:
    """Another for every name; "." and ".." are names of a table, but not of a folder."""
    return quote(name, safe="").replace(".", "%2E")


def _same(source: Path, target: Path) -> bool:
    """As far as size and time say, which copy2 keeps."""
    if not target.is_file():
        return False
    old, new = source.stat(), target.stat()
    return (old.st_size, old.st_mtime_ns) == (new.st_size, new.st_mtime_ns)


def _order(path: Path) -> tuple[int, str]:
    return (FIRST.index(path.stem) if path.stem in FIRST else len(FIRST), path.stem)
