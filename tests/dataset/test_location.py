"""Where data and caches lie."""

from pathlib import Path

from vaelab.dataset.location import cache_directory, data_directory


def test_the_argument_wins_over_the_environment_over_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert data_directory() == data_directory("") == tmp_path / "vaelab" / "data"
    monkeypatch.setenv("VAELAB_DATA", "/else/where")
    assert data_directory() == Path("/else/where")
    assert data_directory("~/mine") == Path.home() / "mine"


def test_the_cache_follows_its_own_variable_alone(monkeypatch, tmp_path):
    monkeypatch.setenv("VAELAB_DATA", "/else/where")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_directory() == Path.home() / ".cache" / "vaelab"
    monkeypatch.setenv("VAELAB_CACHE", str(tmp_path))
    assert cache_directory() == tmp_path
