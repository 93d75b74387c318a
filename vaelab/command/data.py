"""List, download and verify data sets."""

import argparse
import importlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from rich.table import Table

from vaelab.composing import groups
from vaelab.dataset.download import nothing_downloaded, obtain
from vaelab.dataset.location import data_directory
from vaelab.dataset.source import Facts, RemoteFile
from vaelab.errors import UserError

_FACTS = "vaelab.dataset.facts"  # facts are modules of their own so that listing imports no torch


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say it as every other mistake is said."""
        raise UserError(f"{message} ({self.prog} --help says more)")


def _parser() -> argparse.ArgumentParser:
    common = _Parser(add_help=False)
    common.add_argument(
        "--data-dir",
        metavar="DIR",
        help="where data sets are kept (default: VAELAB_DATA, else the user's cache directory)",
    )
    parser = _Parser(prog="vaelab data", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|get|check")
    actions.add_parser("list", parents=[common], help="what there is and what is on this machine")
    get = actions.add_parser("get", parents=[common], help="download data sets")
    get.add_argument("names", nargs="+", metavar="NAME")
    check = actions.add_parser("check", parents=[common], help="verify files, their sums and sizes")
    check.add_argument("names", nargs="*", metavar="NAME", help="default: all that are here")
    return parser


def run(arguments: list[str]) -> int:
    """`vaelab data list|get|check`; exit status 1 if `check` finds something wrong."""
    chosen = _parser().parse_args(arguments)
    directory = data_directory(chosen.data_dir)
    if chosen.action == "list":
        return _list(directory)
    known = _with_files()
    for name in chosen.names:
        if name not in groups.options("dataset", groups.config_dir()):
            raise UserError(f"no data set named {name}; there are {', '.join(known)}")
        if name not in known:
            raise UserError(f"{name} has no files to download; there are {', '.join(known)}")
    if chosen.action == "get":
        return _get({name: known[name] for name in chosen.names}, directory)
    if not chosen.names:
        known = {name: facts for name, facts in known.items() if any(_found(facts, directory))}
        return _check(known, directory)
    return _check({name: known[name] for name in chosen.names}, directory)


def _console() -> Console:
    """The terminal; wide where nobody looks, so that a log or a pipe gets whole lines."""
    console = Console()
    return console if console.is_terminal else Console(width=200)


def _facts(name: str) -> Facts | None:
    """What is known of a data set without reading it; None for the user's own data."""
    module = f"{_FACTS}.{name}"
    return importlib.import_module(module).FACTS if find_spec(module) else None


def _with_files() -> dict[str, Facts]:
    """Data sets that are read from files with known addresses."""
    names = groups.options("dataset", groups.config_dir())
    found = {name: _facts(name) for name in names}
    return {name: facts for name, facts in found.items() if facts is not None and facts.files}


def _found(facts: Facts, directory: Path) -> list[Path | None]:
    """Each file of the data set where it is, or None."""
    return [file.find(directory / facts.folder) for file in facts.files]


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB"


def _download_size(files: tuple[RemoteFile, ...]) -> str:
    sizes = [file.addresses[0].content.size for file in files]
    return _size(sum(size for size in sizes if size)) if all(sizes) else "size unknown"


def _state(facts: Facts, directory: Path) -> str:
    """Whether the files are there, and how large they are."""
    if not facts.files:
        return "none needed"
    # One file may hold every split (an npz in place of three texts): count it once.
    paths = _found(facts, directory)
    present = {path for path in paths if path is not None}
    size = sum(path.stat().st_size for path in present)
    if None not in paths:
        return f"present, {_size(size)}"
    if present:
        return f"{len(paths) - paths.count(None)} of {len(paths)} files"
    return f"to download, {_download_size(facts.files)}"


def _splits(facts: Facts) -> str:
    return "\n".join(
        "/".join(f"{size:,}" for size in sizes) + (f" {protocol}" if protocol else "")
        for protocol, sizes in facts.sizes.items()
    )


def _list(directory: Path) -> int:
    console = _console()
    console.print(f"data sets in {directory}", highlight=False)
    table = Table()
    for column in ("name", "what", "files", "shape", "train/valid/test", "terms"):
        table.add_column(column)
    for name, path in groups.options("dataset", groups.config_dir()).items():
        facts, what = _facts(name), groups.description(path)
        if facts is None:
            table.add_row(name, what, "-", "-", "as set", "-")
            continue
        shape = "x".join(map(str, facts.shape)) or "sentences"  # as long as the files' longest
        table.add_row(name, what, _state(facts, directory), shape, _splits(facts), facts.terms)
    console.print(table)
    return 0


def _get(chosen: dict[str, Facts], directory: Path) -> int:
    console = _console()
    for name, facts in chosen.items():
        console.print(f"{name}: terms: {facts.terms}", highlight=False)
        for file in facts.files:
            path = obtain(file, directory / facts.folder)
            console.print(f"{name}: {path} ({_size(path.stat().st_size)})", highlight=False)
    return 0


@contextmanager
def _nothing_remembered() -> Iterator[None]:
    """An empty cache, so that every sum is computed and every file parsed again."""
    before = os.environ.get("VAELAB_CACHE")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VAELAB_CACHE"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["VAELAB_CACHE"]
            else:
                os.environ["VAELAB_CACHE"] = before


def _fault(name: str, facts: Facts, directory: Path) -> str | None:
    """What is wrong with a data set's files, by loading it as its YAML does."""
    for file, path in zip(facts.files, _found(facts, directory), strict=True):
        if path is None:
            return f"{directory / facts.folder / file.name} is missing"
    text = groups.options("dataset", groups.config_dir())[name].read_text(encoding="utf-8")
    target = next(line for line in text.splitlines() if line.startswith("_target_:"))
    module, _, cls = target.split()[1].rpartition(".")
    try:
        splits = getattr(importlib.import_module(module), cls)(data_dir=str(directory)).load()
    except UserError as error:
        return str(error)
    sizes = (len(splits.train), len(splits.valid), len(splits.test))
    expected = next(iter(facts.sizes.values()))
    return None if sizes == expected else f"splits are {sizes}, expected {expected}"


def _check(chosen: dict[str, Facts], directory: Path) -> int:
    console = _console()
    console.print(f"data sets in {directory}", highlight=False)
    table = Table("name")
    table.add_column("result", overflow="fold")
    faults = 0
    with _nothing_remembered(), nothing_downloaded():
        for name, facts in chosen.items():
            fault = _fault(name, facts, directory)
            faults += fault is not None
            table.add_row(name, fault or f"good: {_splits(facts).splitlines()[0]}")
    if not chosen:
        table.add_row("-", "none is here")
    console.print(table)
    return 1 if faults else 0
