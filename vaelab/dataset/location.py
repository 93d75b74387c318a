"""Where data sets and what is computed from them lie on this machine."""

import os
from pathlib import Path


def _user_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "vaelab"


def data_directory(data_dir: str | None = None) -> Path:
    """The folder that holds one folder per data set.

    The argument, else the environment variable VAELAB_DATA, else the user's cache directory.
    What the user names is taken as it is: nothing is appended to it.
    """
    named = data_dir or os.environ.get("VAELAB_DATA")
    return Path(named).expanduser() if named else _user_cache() / "data"


def cache_directory() -> Path:
    """Where parsed copies and passed verifications are kept; deleting it costs only time."""
    named = os.environ.get("VAELAB_CACHE")
    return Path(named).expanduser() if named else _user_cache()
