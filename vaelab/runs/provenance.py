"""What a result was computed with: versions, host and the commit of the code."""

import platform
import socket
import subprocess
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from vaelab import __version__

PACKAGES = ("torch", "pytorch-lightning", "hydra-core", "numpy")


def provenance() -> dict[str, Any]:
    """Versions, host and commit, for results.json."""
    versions = {"vaelab": __version__, "python": platform.python_version()}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            versions[package] = version(package)
    return {"versions": versions, "host": socket.gethostname(), "git_commit": git_commit()}


def git_commit() -> str | None:
    """The commit of the checkout this code runs from, "+" where files differ; None elsewhere."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return None
    git = ["git", "-C", str(root)]
    changes = [*git, "status", "--porcelain", "--untracked-files=no"]
    try:
        commit = subprocess.check_output(
            [*git, "rev-parse", "HEAD"], text=True, timeout=10, stderr=subprocess.DEVNULL
        )
        changed = subprocess.check_output(changes, text=True, timeout=10, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError):
        return None
    return commit.strip() + ("+" if changed else "")
