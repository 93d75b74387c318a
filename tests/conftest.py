"""Fixtures that more than one test file uses."""

import sys
import types
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _subnormal_numbers():
    """A run flushes them for its whole process; other tests need them."""
    yield
    if torch := sys.modules.get("torch"):
        torch.set_flush_denormal(False)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory whose configs and training are stand-ins (tests/stand_in.py)."""
    import stand_in

    from vaelab.composing import groups

    configs = stand_in.write(tmp_path)
    groups.defaults.cache_clear()
    monkeypatch.setattr(groups, "config_dir", lambda: configs)
    module = types.ModuleType("vaelab.fit")
    vars(module)["fit"] = stand_in.fit
    monkeypatch.setitem(sys.modules, "vaelab.fit", module)
    monkeypatch.setenv("STAND_IN", str(configs))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("COLUMNS", "300")  # a sentence is one line, however long the folder's name
    monkeypatch.delenv("VAELAB_RUN", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path
