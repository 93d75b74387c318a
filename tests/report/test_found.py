import os
from pathlib import Path

import pytest

from report import made_up
from vaelab.errors import UserError
from vaelab.report.found import find


def test_every_run_once_in_natural_order_and_nothing_inside_a_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for seed in (1, 2, 10):
        made_up.write(Path(f"outputs/train/a/h/seed{seed}"))
    inside = Path("outputs/train/a/h/seed2/wandb/files")  # a logger's own config.yaml
    inside.mkdir(parents=True)
    (inside / "config.yaml").write_text("a: 1")
    (inside / "results.json").write_text("{}")
    kept = made_up.write(Path("outputs/seed4"))
    kept.rename("outputs/best of all")  # a run that its user renamed
    Path("outputs/train/a/h/seed11").mkdir()
    Path("outputs/train/a/h/seed11/lock").touch()  # killed before it wrote anything
    Path("outputs/train/a/h/seed12").mkdir()  # nothing of a run
    Path("outputs/other").mkdir()
    Path("outputs/other/config.yaml").write_text("not: ours")

    names = [path.name for path in find(["outputs", "outputs/train", "outputs/train/a/h/seed1"])]
    assert names == ["best of all", "seed1", "seed2", "seed10", "seed11"]


def test_links_that_lead_upwards_end_and_a_run_is_listed_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made_up.write(Path("outputs/train/a/h/seed1"))
    made_up.write(Path("elsewhere/h/seed2"))
    for name in ("latest", "last"):
        Path("outputs/train", name).symlink_to(".")
        Path("outputs/train/a", name).symlink_to("../..")
    Path("outputs/before").symlink_to("train/a")  # comes first by its name
    for name in ("one", "two"):
        Path("outputs", name).symlink_to("../elsewhere")
    found = ["outputs/one/h/seed2", "outputs/train/a/h/seed1"]
    # A walk that enters links as folders ends only where the system refuses so long a path.
    walk, steps = os.walk, iter(range(100))
    monkeypatch.setattr(os, "walk", lambda *a, **k: map(counted(steps), walk(*a, **k)))
    assert [path.as_posix() for path in find(["outputs"])] == found


def counted(steps):
    """Passes on what a walk found, so many times."""

    def one(found):
        assert next(steps, None) is not None, "the walk does not end"
        return found

    return one


def test_a_wrong_place_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="nope: no such folder"):
        find([".", "nope"])
    with pytest.raises(UserError, match="no run in it"):
        find(["."])
