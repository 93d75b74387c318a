"""From the words of `vaelab report` to its files."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from vaelab import __version__
from vaelab.composing import groups
from vaelab.composing.spelling import nearest
from vaelab.errors import UserError
from vaelab.report.chosen import choose
from vaelab.report.evaluations import OWN, options
from vaelab.report.found import find
from vaelab.report.published import NONE, beside
from vaelab.report.record import read
from vaelab.report.report import Report, collected
from vaelab.report.write import MARKS, paths, write
from vaelab.runs.provenance import git_commit

OPTIONS = {"output": "report.html", "formats": ",".join(MARKS), "tables": "", "evaluation": OWN}


def report(words: Sequence[str], config_dir: str | None = None) -> list[Path]:
    """Write the report that words ask for; the files."""
    places, given = apart(words)
    if config_dir is not None and not Path(config_dir).is_dir():
        raise UserError(f"--config-dir {config_dir}: no such folder")
    formats = several("formats", given["formats"], list(MARKS))
    files = paths(given["output"], formats)
    folders = find(places)
    print(f"reading {len(folders)} run{'s' if len(folders) > 1 else ''}", flush=True)
    made = gather(folders, words, given, config_dir)
    for note in made.notes:
        print(note)
    write(made, files)
    return list(files.values())


def gather(
    folders: Sequence[Path], words: Sequence[str], given: dict[str, str], config_dir: str | None
) -> Report:
    """Everything that pages show."""
    configs = (groups.config_dir(), *([Path(config_dir).resolve()] if config_dir else []))
    asked = given["evaluation"]
    records, notes = choose([read(one, configs) for one in folders], asked, options(*configs))
    names = [one for one in given["tables"].split(",") if one] or None
    published = [] if given["tables"] == NONE else beside(records, names, config_dir)
    typed = [*words, *(["--config-dir", config_dir] if config_dir else [])]
    command = shlex.join(["vaelab", "report", *typed])
    unread = [f"{path}: cannot be read, left out" for one in records for path in one.unread]
    return collected(records, published, command, version(), [*notes, *unread], asked)


def apart(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Run folders, and NAME=VALUE words; a folder may have a "=" in its name."""
    found, places = dict(OPTIONS), []
    given: set[str] = set()
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or Path(word).exists():
            places.append(word)
            continue
        if name not in OPTIONS:
            raise UserError(f"{word}: no such setting of a report{nearest(name, list(OPTIONS))}")
        if name in given:
            raise UserError(f"{name}: given twice, as {found[name]} and as {value}")
        given.add(name)
        found[name] = value
    default = groups.settings(groups.config_dir())["output_dir"][0]
    return places or [default], found


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
