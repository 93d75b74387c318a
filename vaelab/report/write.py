"""The files of a report: written at once, and over nothing but a report."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from vaelab.errors import UserError
from vaelab.report import csv_file, latex, markdown, page
from vaelab.report.report import Report

# What a file of ours has near its beginning.
MARKS = {"html": page.MARK, "md": markdown.MARK, "csv": csv_file.MARK, "tex": latex.MARK}
HEAD = 300  # bytes


def paths(output: str, formats: Sequence[str]) -> dict[str, Path]:
    """Format -> its file: as `output` says, with another ending each.

    Raises:
        UserError: a file is there that is no report, or cannot be written.
    """
    if not output:
        raise UserError("output=: must name a file, as output=report.html")
    place = Path(output)
    if place.is_dir():
        place /= "report"
    elif place.suffix.removeprefix(".") in MARKS:
        place = place.with_suffix("")
    found = {kind: place.with_name(f"{place.name}.{kind}") for kind in formats}
    for kind, path in found.items():
        if os.path.lexists(path) and not is_report(path, kind):
            raise UserError(
                f"output={output}: {path} is there and is no report; name another file, or move it"
            )
    return found


def is_report(path: Path, kind: str) -> bool:
    """Whether a file is one that `write` made."""
    try:
        with path.open("rb") as file:
            return MARKS[kind].encode() in file.read(HEAD)
    except OSError:
        return False


def write(report: Report, places: dict[str, Path]) -> None:
    """Every file.

    Raises:
        UserError: one cannot be written.
    """
    texts: dict[str, Callable[[Path], str]] = {
        "html": lambda path: page.text(report, path.parent),
        "md": lambda _: markdown.text(report),
        "csv": lambda _: csv_file.text(report),
        "tex": lambda _: latex.text(report),
    }
    for kind, path in places.items():
        # A folder's name may hold bytes that are no letters.
        content = texts[kind](path).encode("utf-8", "backslashreplace")
        try:
            replace(path, content)
        except OSError as error:
            raise UserError(
                f"{path}: cannot be written ({error.strerror}); set output=FILE"
            ) from error


def replace(path: Path, content: bytes) -> None:
    """A reader sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
