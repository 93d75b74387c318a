"""Checksums of files, and a record of those that passed so that start-up need not repeat them."""

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

from vaelab.dataset.location import cache_directory
from vaelab.dataset.source import Content
from vaelab.errors import UserError

logger = logging.getLogger(__name__)

LEAST = 8  # hexadecimal digits of a checksum that tell one file from another


def checksum(path: Path, algorithm: str) -> str:
    """The file's checksum as "ALGORITHM:HEX"; algorithms as in `Content`."""
    digest = hashlib.new({"git": "sha1"}.get(algorithm, algorithm), usedforsecurity=False)
    if algorithm == "git":
        digest.update(b"blob %d\0" % path.stat().st_size)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return f"{algorithm}:{digest.hexdigest()}"


def mismatch(path: Path, contents: Sequence[Content]) -> str | None:
    """Why the file is none of `contents`, as the end of a sentence about it; None if it is one."""
    size = path.stat().st_size
    sizes = [content.size for content in contents if content.size is not None]
    if sizes and len(sizes) == len(contents) and size < min(sizes):
        return f"is truncated ({size:,} of {min(sizes):,} bytes)"
    found = {content.checksum.split(":")[0]: "" for content in contents}
    for algorithm in found:
        found[algorithm] = checksum(path, algorithm)
    if any(agree(seen, content.checksum) for seen in found.values() for content in contents):
        return None
    seen = ", ".join(found.values()).replace(":", " ")
    wanted = " or ".join(content.checksum for content in contents).replace(":", " ")
    return f"is damaged or not the expected file ({seen}, expected {wanted})"


def agree(found: str, known: str) -> bool:
    """Whether a file's checksum is the known one, of which only the first digits may be known."""
    return len(known.partition(":")[2]) >= LEAST and found.startswith(known)


def verify(path: Path, contents: Sequence[Content]) -> None:
    """Return if the file is one of `contents`.

    A file that passed is not read again while its size and time of change stay the same.

    Raises:
        UserError: it is none of them.
    """
    stat = path.stat()
    key = f"{path.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}\0{contents!r}"
    passed = cache_directory() / "verified" / hashlib.sha256(key.encode()).hexdigest()
    if passed.exists():
        return
    if fault := mismatch(path, contents):
        raise UserError(f"{path} {fault}; delete it to download it again")
    try:
        passed.parent.mkdir(parents=True, exist_ok=True)
        passed.touch()
    except OSError as error:
        logger.warning("cannot remember that %s was verified: %s", path, error)
