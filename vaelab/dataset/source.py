"""What is known of a data set's files without opening them: names, addresses, checksums, terms."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Content:
    """What a file must hold.

    Attributes:
        checksum: "sha256:HEX", "md5:HEX", or "git:HEX" for a git blob id, which is the SHA-1 of
            "blob SIZE", a zero byte and the file. Where no more is known, its first 8 digits or
            more.
        size: in bytes, where known.
    """

    checksum: str
    size: int | None = None


@dataclass(frozen=True)
class Address:
    """One place to download a file from, and what that place serves.

    `name` is the name to keep it under where that is not the file's canonical one (the same data
    in another format).
    """

    url: str
    content: Content
    name: str | None = None


@dataclass(frozen=True)
class RemoteFile:
    """A file under its canonical name.

    Attributes:
        addresses: tried in this order.
        alternatives: other names under which a data directory may hold the same data.
        exact: whether a file found in a data directory must be one of the known contents; where
            it need not, its loader checks what it holds.
    """

    name: str
    addresses: tuple[Address, ...]
    alternatives: tuple[str, ...] = ()
    exact: bool = True

    def contents(self, name: str) -> tuple[Content, ...]:
        """Every content known for a file of this name."""
        served = [a.content for a in self.addresses if (a.name or self.name) == name]
        return tuple(dict.fromkeys(served))

    def find(self, folder: Path) -> Path | None:
        """The file in `folder` under the first of its names that exists."""
        candidates = (folder / name for name in (self.name, *self.alternatives))
        return next((path for path in candidates if path.is_file()), None)


@dataclass(frozen=True)
class Facts:
    """What `vaelab data` says of a data set, and what its loader holds the files to.

    Attributes:
        folder: its folder in the data directory; several data sets may share one.
        sizes: training, validation and test examples, by protocol ("" where there is only one);
            the first is the default.
        terms: licence or terms of use, as far as the source states any.
    """

    folder: str
    files: tuple[RemoteFile, ...]
    shape: tuple[int, ...]
    sizes: Mapping[str, tuple[int, int, int]]
    terms: str


def mirrors(content: Content, *urls: str) -> tuple[Address, ...]:
    """Addresses that all serve one content."""
    return tuple(Address(url, content) for url in urls)
