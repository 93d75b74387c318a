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


def test_a_wrong_place_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="nope: no such folder"):
        find([".", "nope"])
    with pytest.raises(UserError, match="no run in it"):
        find(["."])
