"""Parsed copies of slow-to-read sources, kept in the user's cache."""

import hashlib
import logging
import os
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from vaelab.dataset.location import cache_directory

logger = logging.getLogger(__name__)

Arrays = dict[str, np.ndarray]


def _read(path: Path) -> Arrays | None:
    """The stored arrays; None if there are none or they are damaged (zip keeps a CRC of each)."""
    try:
        # Opened here: np.load leaves a file that is no whole zip open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        logger.info("rebuilding %s: %s", path, error)
        return None


def _write(path: Path, arrays: Arrays) -> None:
    """Store aside, then rename, so that no reader ever sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        os.replace(aside, path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


def parsed(kind: str, sources: Sequence[Path], parse: Callable[[], Arrays]) -> Arrays:
    """`parse()`, or what it gave when the sources had the same sizes and times of change.

    `kind` names the parser and every setting that changes its result.
    """
    stats = [(str(path.resolve()), path.stat()) for path in sources]
    identity = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
    key = hashlib.sha256(repr((kind, identity)).encode()).hexdigest()[:20]
    path = cache_directory() / "parsed" / f"{kind.split(' ')[0]}-{key}.npz"
    arrays = _read(path)
    if arrays is None:
        arrays = parse()
        try:
            _write(path, arrays)
        except OSError as error:
            logger.warning("cannot keep a parsed copy in %s: %s", path.parent, error)
    return arrays
