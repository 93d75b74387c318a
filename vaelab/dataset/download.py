"""Downloads: addresses in order, resumed, verified, and safe when two jobs want the same file."""

import fcntl
import http.client
import importlib
import logging
import os
import pkgutil
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from email.message import Message
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from vaelab.dataset import facts
from vaelab.dataset.source import Address, RemoteFile
from vaelab.dataset.verify import mismatch, verify
from vaelab.errors import UserError

logger = logging.getLogger(__name__)

TIMEOUT = 30.0  # seconds without a byte
ATTEMPTS = 3  # for each address, each going on where the last one broke off
BLOCK = 1 << 18

_downloads: ContextVar[bool] = ContextVar("downloads", default=True)


@contextmanager
def nothing_downloaded() -> Iterator[None]:
    """Inside, what is not in the data directory is an error, and nothing is written there."""
    before = _downloads.set(False)
    try:
        yield
    finally:
        _downloads.reset(before)


class _Refused(Exception):
    """This address does not give the file; the message says why."""


class _BrokeOff(_Refused):
    """The connection ended early: worth another attempt, which resumes."""


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold `path` locked; the file stays, since deleting it would let two holders in."""
    with path.open("a") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        yield


def _start_of_range(headers: Message) -> int:
    """The first byte a 206 reply carries, from "Content-Range: bytes FIRST-LAST/TOTAL"."""
    first = headers.get("Content-Range", "").removeprefix("bytes ").split("-")[0]
    return int(first) if first.isdigit() else -1


def _check_reply(headers: Message, size: int | None, have: int) -> int | None:
    """The file's full length as announced; refuses web pages and files of another size."""
    if headers.get_content_type() == "text/html":
        raise _Refused("replied with a web page")
    announced = headers.get("Content-Length")
    total = have + int(announced) if announced is not None else None
    if size is not None and total is not None and total != size:
        raise _Refused(f"offers {total:,} bytes, expected {size:,}")
    return total


def _copy(reply: http.client.HTTPResponse, out: BinaryIO, have: int, total: int | None) -> None:
    """Append the reply's body to `out`, showing progress on a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(
        *columns,
        TransferSpeedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        task = progress.add_task(Path(out.name).name, total=total, completed=have)
        while block := reply.read(BLOCK):
            if out.tell() == 0 and block.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
                raise _Refused("replied with a web page")
            out.write(block)
            progress.update(task, advance=len(block))
        if total is not None and out.tell() < total:
            raise _BrokeOff(f"broke off after {out.tell():,} of {total:,} bytes")


def _request(address: Address, part: Path) -> None:
    """One request; leaves what it got in `part`, continuing what is there if the server can."""
    have = part.stat().st_size if part.exists() else 0
    size = address.content.size
    if have == size:  # all there: an earlier job was stopped before it could verify
        return
    if size is not None and have > size:
        part.unlink()
        have = 0
    request = urllib.request.Request(address.url, headers={"User-Agent": "vaelab"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=TIMEOUT) as reply:
        if reply.status != 206:  # the whole file, whatever was asked
            have = 0
        elif _start_of_range(reply.headers) != have:
            part.unlink()
            raise _BrokeOff("sent another range than asked")
        total = _check_reply(reply.headers, size, have)
        with part.open("ab" if have else "wb") as out:
            _copy(reply, out, have, total)


def _attempt(address: Address, part: Path) -> None:
    """`_request` with every way it can fail told as `_Refused` or `_BrokeOff`."""
    try:
        _request(address, part)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and part.exists():  # the server will not go on from here
            part.unlink()
            raise _BrokeOff("refused to continue") from error
        raise _Refused(f"HTTP {error.code}") from error
    except urllib.error.URLError as error:
        raise _Refused(str(getattr(error.reason, "strerror", None) or error.reason)) from error
    except (TimeoutError, ConnectionError, ssl.SSLError, http.client.HTTPException) as error:
        raise _BrokeOff(str(error) or type(error).__name__) from error


def _try_address(address: Address, part: Path) -> None:
    """Leave the address's verified content in `part`.

    Raises:
        _Refused: the address does not give it.
    """
    reason = ""
    for _ in range(ATTEMPTS):
        resumed = part.exists()
        try:
            _attempt(address, part)
        except _BrokeOff as error:
            reason = str(error)
            continue
        fault = mismatch(part, [address.content])
        if fault is None:
            return
        part.unlink()
        reason = f"gave a file that {fault}"
        if not resumed:  # what was resumed may have been the wrong half: once more from the start
            break
    raise _Refused(reason)


def _needed_by(file: RemoteFile) -> list[str]:
    """The data set that the file is of, if any is."""
    names = [module.name for module in pkgutil.iter_modules(facts.__path__)]
    known = {name: importlib.import_module(f"{facts.__name__}.{name}").FACTS for name in names}
    return [name for name in names if file in known[name].files][:1]


def download(file: RemoteFile, folder: Path) -> Path:
    """Put `file` into `folder` under its canonical name, unless another job just did.

    Raises:
        UserError: no address gave it, the folder cannot be written, or nothing may be downloaded.
    """
    target = folder / file.name
    if not _downloads.get():
        raise UserError(
            f"{target.absolute()} is missing, and a check downloads nothing; "
            f"`{' '.join(['vaelab data get', *_needed_by(file)])}` and training do, "
            f"from {file.addresses[0].url}"
        )
    failures = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _lock(folder / f".{file.name}.lock"):
            if found := file.find(folder):
                return found
            for address in file.addresses:
                # Addresses may serve different files (a text, its compressed form): the part's
                # name says which content it is a part of.
                tag = address.content.checksum.split(":")[1][:8]
                part = folder / f"{file.name}.{tag}.part"
                logger.info("downloading %s", address.url)
                try:
                    _try_address(address, part)
                except _Refused as error:
                    failures.append(f"{urlsplit(address.url).hostname}: {error}")
                else:
                    target = folder / (address.name or file.name)
                    os.replace(part, target)
                    return target
    except OSError as error:
        raise UserError(f"cannot write {error.filename or target}: {error.strerror}") from error
    raise UserError(
        f"cannot download {file.name} ({'; '.join(failures)}); "
        f"get it from {file.addresses[0].url} and put it at {target.absolute()}"
    )


def obtain(file: RemoteFile, folder: Path) -> Path:
    """The file in `folder`, downloaded if it is not there, verified unless its loader does that.

    Raises:
        UserError: it cannot be had, or is not the expected file.
    """
    path = file.find(folder) or download(file, folder)
    if file.exact:
        verify(path, file.contents(path.name))
    return path
