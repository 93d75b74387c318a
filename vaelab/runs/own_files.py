"""Whether the user's own data are still those that a run began with.

A run is found by its settings, which name files but not what is in them. results.json keeps their
checksums from the start of training, so that the same command is not answered with the results of
other data, nor gone on with.
"""

import hashlib
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vaelab.dataset.verify import checksum
from vaelab.errors import UserError
from vaelab.runs.run import Run

Config = Mapping[str, Any]


def begin(run: Run, config: Config) -> None:
    """Keep the checksums where training starts; compare them where it goes on.

    Raises:
        UserError: a file has changed.
    """
    if (run.checkpoints / "last.ckpt").exists():
        return check(run, config)
    found = checksums(config)
    if found or run.read().get("own_files"):
        run.update(own_files=None)  # without those of an attempt with other files
        run.update(own_files=found)


def check(run: Run, config: Config) -> None:
    """Compare the files that `config` names with those the run began with; others are no matter.

    A run that is older than its checksums has none, and a file that is gone is missed elsewhere.

    Raises:
        UserError: a file has changed.
    """
    known = run.read().get("own_files") or {}
    for name, before in known.items():
        path = config["dataset"].get(name)
        if path is None or path != run.config["dataset"].get(name):
            continue
        now = of(Path(path).expanduser())
        if now is not None and now != before:
            raise UserError(
                f"dataset.{name}={path} has changed since {run} began; put the old one back, or "
                "train another run on the new one with fresh=true"
            )


def checksums(config: Config) -> dict[str, str]:
    """Of the files that the data set's class says are the user's own, by setting."""
    node = config["dataset"]
    module, _, name = str(node["_target_"]).rpartition(".")
    settings = getattr(getattr(importlib.import_module(module), name), "own_files", ())
    found = {key: of(Path(node[key]).expanduser()) for key in settings if node[key] is not None}
    return {key: digest for key, digest in found.items() if digest is not None}


def of(path: Path) -> str | None:
    """Checksum of a file, or of the names and sizes below a folder; None where nothing is."""
    try:
        if not path.is_dir():
            return checksum(path, "sha256")
        below = sorted(one for one in path.rglob("*") if one.is_file())
        listed = [(one.relative_to(path).as_posix(), one.stat().st_size) for one in below]
    except OSError:
        return None
    return f"names:{hashlib.sha256(repr(listed).encode()).hexdigest()}"
