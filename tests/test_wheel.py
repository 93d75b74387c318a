"""A wheel carries the configs and works from any directory."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def call(site, folder, *words):
    return subprocess.run(
        [sys.executable, "-m", "vaelab", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_it_carries_every_config(wheel):
    ours = {path.relative_to(ROOT / "configs") for path in (ROOT / "configs").rglob("*.yaml")}
    carried = wheel / "vaelab/configs"
    assert ours == {path.relative_to(carried) for path in carried.rglob("*.yaml")}


def test_it_finds_its_configs_from_any_directory(wheel, tmp_path):
    code = "from vaelab.composing import groups; print(groups.config_dir())"
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(wheel)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert Path(found) == wheel / "vaelab/configs"
    assert "seed: 5" in call(wheel, tmp_path, "train", "seed=5", "--cfg", "job")
    assert "prior" in call(wheel, tmp_path, "list")
    assert list(tmp_path.iterdir()) == []
