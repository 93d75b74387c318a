"""From the words of `vaelab report` to its files."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from vaelab import __version__, groups
from vaelab.errors import UserError
from vaelab.provenance import git_commit
from vaelab.report.found import find
from vaelab.report.published import NONE, beside
from vaelab.report.record import read
from vaelab.report.report import Report, collected
from vaelab.report.write import MARKS, paths, write
from vaelab.spelling import nearest

OPTIONS = {"output": "report.html", "formats": ",".join(MARKS), "tables": ""}


def report(words: Sequence[str], config_dir: str | None = None) -> list[Path]:
    """Write the report that words ask for; the files."""
    places, options = apart(words)
    if config_dir is not None and not Path(config_dir).is_dir():
        raise UserError(f"--config-dir {config_dir}: no such folder")
    formats = several("formats", options["formats"], list(MARKS))
    files = paths(options["output"], formats)
    folders = find(places)
    print(f"reading {len(folders)} run{'s' if len(folders) > 1 else ''}", flush=True)
    made = gather(folders, words, options["tables"], config_dir)
    write(made, files)
    return list(files.values())


def gather(
    folders: Sequence[Path], words: Sequence[str], tables: str, config_dir: str | None
) -> Report:
    """Everything that pages show."""
    records = [read(folder) for folder in folders]
    names = [one for one in tables.split(",") if one] or None
    published = [] if tables == NONE else beside(records, names, config_dir)
    typed = [*words, *(["--config-dir", config_dir] if config_dir else [])]
    command = shlex.join(["vaelab", "report", *typed])
    return collected(records, published, command, version())


def apart(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Run folders, and NAME=VALUE words; a folder may have a "=" in its name."""
    options, places = dict(OPTIONS), []
    given: set[str] = set()
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or Path(word).exists():
            places.append(word)
            continue
        if name not in OPTIONS:
            raise UserError(f"{word}: no such setting of a report{nearest(name, list(OPTIONS))}")
        if name in given:
            raise UserError(f"{name}: given twice, as {options[name]} and as {value}")
        given.add(name)
        options[name] = value
    default = groups.settings(groups.config_dir())["output_dir"][0]
    return places or [default], options


def several(name: str, text: str, known: list[str]) -> list[str]:
    """Values separated by commas, of those known."""
    found = list(dict.fromkeys(one.strip() for one in text.split(",") if one.strip()))
    for one in found:
        if one not in known:
            raise UserError(f"{name}={text}: {one} is none{nearest(one, known)}")
    if not found:
        raise UserError(f"{name}={text}: name one or more of {', '.join(known)}")
    return found


def version() -> str:
    """Of the code that makes the report."""
    commit = git_commit()
    said = f" at commit {commit.rstrip('+')[:10]}" if commit else ""
    changed = " with local changes" if commit and commit.endswith("+") else ""
    return f"vaelab {__version__}{said}{changed} (Python {sys.version.split()[0]})"
