"""`vaelab data`: what it lists, downloads and finds wrong."""

import subprocess
import sys

import pytest
from rich.console import Console
from scipy.io import savemat

from vaelab.cli import main
from vaelab.command import data
from vaelab.errors import UserError


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setattr(data, "_console", lambda: Console(width=300))


@pytest.fixture
def frey(writer, tmp_path, monkeypatch):
    (tmp_path / "freyfaces").mkdir()
    path = tmp_path / "freyfaces" / "frey_rawface.mat"
    savemat(path, {"ff": writer.images(1_965, 28, 20).reshape(1_965, 560).T})
    writer.expect("freyfaces", {path.name: path}, monkeypatch)
    return path


def test_list_tells_what_is_here(frey, tmp_path, capsys):
    assert data.run(["list", "--data-dir", str(tmp_path)]) == 0
    said = {
        line.split("│")[1].strip(): line
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("│")
    }
    assert "present, 1.1 MB" in said["freyfaces"]
    assert "28x20" in said["freyfaces"]
    assert "1,565/200/200" in said["freyfaces"]
    assert "to download, 11.6 MB" in said["mnist"]
    assert "50,000/10,000/10,000 vampprior" in said["mnist"]
    assert "none needed" in said["digits"]
    assert "sentences" in said["ptb"]
    assert "to download, 6.0 MB" in said["ptb"]
    assert "research only (https://catalog.ldc.upenn.edu/LDC99T42)" in said["ptb"]
    assert {"npz", "folder", "omniglot", "omniglot_raw", "histopathology"} <= set(said)


def test_list_is_quick():
    code = (
        "import sys; from vaelab.command.data import run; run(['list'])\n"
        "assert not {'torch', 'hydra', 'scipy', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_get_leaves_what_is_there_and_verifies_it(frey, tmp_path, capsys):
    assert data.run(["get", "freyfaces", "--data-dir", str(tmp_path)]) == 0
    assert str(frey) in capsys.readouterr().out
    frey.write_bytes(frey.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"frey_rawface.mat is truncated"):
        data.run(["get", "freyfaces", "--data-dir", str(tmp_path)])


def test_check_finds_what_is_wrong(frey, tmp_path, capsys):
    arguments = ["check", "--data-dir", str(tmp_path)]
    assert data.run(arguments) == 0
    assert "good: 1,565/200/200" in capsys.readouterr().out
    whole = frey.read_bytes()
    frey.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert data.run(arguments) == 1
    assert "is damaged or not the expected file" in capsys.readouterr().out
    assert data.run(["check", "mnist", "--data-dir", str(tmp_path)]) == 1
    assert "train-images-idx3-ubyte.gz is missing" in capsys.readouterr().out


def test_check_trusts_no_earlier_verification(frey, tmp_path, capsys):
    import os

    arguments = ["check", "freyfaces", "--data-dir", str(tmp_path)]
    assert data.run(arguments) == 0
    whole, stat = frey.read_bytes(), frey.stat()
    frey.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    os.utime(frey, ns=(stat.st_atime_ns, stat.st_mtime_ns))  # same size, same time
    assert data.run(arguments) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["check", "dataset=yelp", "architecture=lstm_small"],
        ["check", "dataset=static_mnist"],
        ["data", "check", "yelp"],
        ["data", "check", "omniglot_raw"],
    ],
)
def test_a_check_writes_nothing_into_the_data_directory(words, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "data"
    monkeypatch.setenv("VAELAB_DATA", str(folder))
    status = main(words)
    said = capsys.readouterr()
    assert not folder.exists()
    if "dataset=static_mnist" in words:  # its size is known without its files
        assert status == 0
    else:
        assert status > 0
        assert "is missing" in said.out + said.err


def test_check_of_an_empty_folder_finds_nothing_wrong(tmp_path, capsys):
    assert data.run(["check", "--data-dir", str(tmp_path)]) == 0
    assert "none is here" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required"),
        (["fetch"], "invalid choice: 'fetch'"),
        (["get"], "the following arguments are required: NAME"),
        (["get", "imagenet"], "no data set named imagenet; there are caltech101, "),
        (["get", "digits"], "digits has no files to download"),
        (["list", "--frob"], "unrecognized arguments: --frob"),
    ],
)
def test_mistakes_are_one_line(arguments, message):
    with pytest.raises(UserError, match=message) as error:
        data.run(arguments)
    assert "\n" not in str(error.value)
