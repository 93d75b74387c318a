"""A run on the user's own files is a run on what was in them."""

import numpy as np
import pytest
import torch

from vaelab.cli import main
from vaelab.runs import own_files
from vaelab.runs.run import find

SMALL = (
    "dataset=text", "architecture=lstm", "architecture.latent_dim=1", "architecture.embedding=4",
    "architecture.hidden=[4,4]", "batch_size=8", "epochs=1", "lightning=cpu", "threads=1",
    "evaluation.autoregressive_samples=2", "evaluation.autoregressive_examples=4",
)  # fmt: skip
OLD = "".join(f"a b{n % 3} c{n % 5}\n" for n in range(30))
NEW = OLD + "words that were not there\n" * 3  # another vocabulary: other shapes of the weights


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("VAELAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.txt").write_text(OLD)
    return tmp_path


def vaelab(capsys, *words):
    status = main([*words])
    said = capsys.readouterr()
    return status, said.out + said.err


def test_a_finished_run_is_not_shown_nor_measured_for_other_data(here, capsys):
    train = ("train", *SMALL, "dataset.train=own.txt")
    assert vaelab(capsys, *train)[0] == 0
    assert "is complete" in vaelab(capsys, *train)[1]
    (here / "own.txt").write_text(NEW)
    changed = "dataset.train=own.txt has changed since outputs/train/"
    for words in (train, ("evaluate", "outputs"), ("sample", "outputs"), (*train, "-m")):
        status, said = vaelab(capsys, *words)
        assert status != 0
        (line,) = (line for line in said.splitlines() if line.startswith("vaelab: "))
        assert line.startswith(f"vaelab: {changed}")
        assert line.endswith("put the old one back, or train another run on the new one with "
                             "fresh=true")  # fmt: skip
    assert vaelab(capsys, *train, "fresh=true")[0] == 0
    (here / "own.txt").write_text(OLD)
    assert "is complete" in vaelab(capsys, *train)[1]


def test_training_does_not_go_on_with_other_data(here, capsys):
    train = ("train", *SMALL, "dataset.train=own.txt")
    assert vaelab(capsys, *train)[0] == 0
    run = find("outputs")
    run.update(status="interrupted")
    (here / "own.txt").write_text(NEW)
    status, said = vaelab(capsys, *train)
    assert status == 1
    assert "vaelab: dataset.train=own.txt has changed since outputs/train/" in said
    (here / "own.txt").write_text(OLD)
    assert vaelab(capsys, *train)[0] == 0
    assert run.status == "complete"


def test_a_run_that_made_nothing_of_a_file_takes_the_mended_one(here, capsys):
    train = ("train", *SMALL, "dataset.train=own.txt")
    assert vaelab(capsys, *train)[0] == 0
    run = find("outputs")
    run.update(status="failed")
    (run.checkpoints / "last.ckpt").unlink()
    (here / "own.txt").write_text(NEW)
    assert vaelab(capsys, *train)[0] == 0
    assert "is complete" in vaelab(capsys, *train)[1]


def test_other_files_on_purpose_are_no_change(here, capsys):
    (here / "test.txt").write_text(OLD[:30])
    files = ("dataset.train=own.txt", "dataset.test=test.txt")
    assert vaelab(capsys, "train", *SMALL, *files)[0] == 0
    (here / "test.txt").write_text(OLD[:60])
    assert vaelab(capsys, "evaluate", "outputs", "evaluation=quick")[0] == 2
    (here / "other.txt").write_text(OLD[:60])
    words = ("evaluate", "outputs", "evaluation=quick", "dataset.test=other.txt")
    assert vaelab(capsys, *words)[0] == 0


def test_arrays_and_folders_too(tmp_path):
    generator = torch.Generator().manual_seed(0)
    for option, key, path in (
        ("npz.Npz", "file", tmp_path / "x.npz"),
        ("folder.Folder", "folder", tmp_path / "images"),
    ):
        config = {"dataset": {"_target_": f"vaelab.dataset.{option}", key: str(path)}}
        assert own_files.checksums(config) == {}
        seen = []
        for size in (3, 4):
            values = torch.rand(size, generator=generator).numpy()
            path.parent.mkdir(exist_ok=True)
            if key == "folder":
                path.mkdir(exist_ok=True)
                (path / "one.png").write_bytes(values.tobytes())
            else:
                np.savez(path, x_train=values)
            seen.append(own_files.checksums(config)[key])
        assert seen[0] != seen[1]
    digits = {"dataset": {"_target_": "vaelab.dataset.digits.Digits"}}
    assert own_files.checksums(digits) == {}
