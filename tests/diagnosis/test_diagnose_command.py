"""`vaelab diagnose` from words to files, on a small real run."""

import json
import re

import pytest
from rich.console import Console
from small import config

from vaelab import fit
from vaelab.cli import main
from vaelab.command.completion import candidates
from vaelab.composing import groups
from vaelab.diagnosis.make import aside, build
from vaelab.diagnosis.settings import settle
from vaelab.errors import UserError
from vaelab.runs.run import Run

CONFIGS = groups.config_dir()
HERE = ["lightning=cpu", "threads=1"]
FEW = ["samples=4", "examples=10"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two finished runs of seeds 1 and 2, and one that was never finished."""
    found = []
    for seed in (1, 2):
        run = Run(tmp_path_factory.mktemp("runs") / f"seed{seed}")
        run.folder.mkdir()
        settings = config("epochs=1", f"seed={seed}", "snapshots=[1]")
        run.write_config(settings, [])
        fit.fit(settings, run, Console(quiet=True))
        run.update(status="complete")
        found.append(run)
    open_one = Run(tmp_path_factory.mktemp("open"))
    open_one.write_config(config(), [])
    return [*found, open_one]


def said(capsys, *words, status=2):
    assert main(["diagnose", *map(str, words)]) == status
    captured = capsys.readouterr()
    assert captured.err.count("\n") <= 1
    return captured.err


def test_one_run_s_files_are_in_its_folder_and_the_same_again(runs, capsys):
    words = ["diagnose", "ess", str(runs[0].folder), *FEW, *HERE]
    assert main(words) == 0
    line, *paths = capsys.readouterr().out.splitlines()
    assert re.fullmatch(
        r"seed1: ESS / samples 0\.\d+ \+- \S+, median \S+ \(of 4 samples, test split, .*\)",
        line,
    )
    (folder,) = (runs[0].folder / "diagnoses").iterdir()
    assert sorted(one.rpartition("/")[2] for one in paths) == ["ess-1.npz", "ess.json", "ess.png"]
    assert folder.name.startswith("ess-")
    record = json.loads((folder / "settings.json").read_text())
    assert (record["diagnosis"], record["settings"]["samples"]) == ("ess", 4)
    assert list(record["runs"].values()) == [str(runs[0])]
    first = (folder / "ess.json").read_text()
    assert json.loads(first)["runs"]["seed1"]["n"] == 10
    assert main(words) == 0
    assert (folder / "ess.json").read_text() == first
    assert main([*words, "epoch=1"]) == 0
    assert len(list((runs[0].folder / "diagnoses").iterdir())) == 2


def test_several_runs_are_told_apart(runs, tmp_path, capsys):
    both = [str(run.folder) for run in runs[:2]]
    assert main(["diagnose", "ess", *both, *FEW, *HERE, f"output_dir={tmp_path}"]) == 0
    (folder,) = (tmp_path / "diagnoses" / "ess").iterdir()
    report = json.loads((folder / "ess.json").read_text())
    assert list(report["runs"]) == ["seed=1", "seed=2"]
    assert len(folder.name) == 8


def test_mistakes_are_one_line(runs, capsys):
    run = runs[0].folder
    assert "NAME is missing" in said(capsys)
    assert "es: no such diagnosis; did you mean ess?" in said(capsys, "es", run)
    assert "takes 1 or more runs (got 0)" in said(capsys, "ess")
    assert "sample: no such setting of ess; did you mean samples?" in said(
        capsys, "ess", run, "sample=3"
    )
    assert "vaelab: samples=many: must be a whole number" in said(
        capsys, "ess", run, "samples=many"
    )
    assert "dims=3: has no effect with a RUN; leave dims out" in said(capsys, "snr", run, "dims=3")
    assert "epoch=1: has no effect without a RUN" in said(capsys, "snr", "epoch=1")
    assert "samples=0: must be at least 1" in said(capsys, "ess", run, "samples=0")
    assert "epoch=4: " in said(capsys, "ess", run, "epoch=4", *FEW, *HERE)
    assert "named twice" in said(capsys, "ess", run, run)
    assert "is new; a run is diagnosed when it is complete" in said(capsys, "ess", runs[2].folder)
    assert not (runs[2].folder / "diagnoses").exists()
    assert "samples=1,2: several values" in said(capsys, "ess", run, "samples=1,2")


def test_help_shows_the_settings_of_a_diagnosis(capsys):
    assert main(["diagnose", "ess", "--help"]) == 0
    shown = capsys.readouterr().out
    for line in (CONFIGS / "diagnosis" / "ess.yaml").read_text().splitlines()[2:]:
        assert line in shown
    assert main(["list", "diagnosis"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in groups.options("diagnosis", CONFIGS))


def test_completion_knows_names_and_settings():
    assert "ess" in candidates(["diagnose", ""])
    assert candidates(["diagnose", "ess", "sam"]) == ["samples="]
    assert candidates(["diagnose", "ess", "x", "thr"]) == ["threads="]


@pytest.mark.parametrize("name", groups.options("diagnosis", CONFIGS))
def test_every_diagnosis_is_built_by_its_yaml_alone(name):
    node = settle(name, [], CONFIGS)
    diagnosis = build(name, node, 1)
    least, most = diagnosis.runs
    assert least <= (1 if most is None else most)
    with pytest.raises(UserError, match=f"diagnosis {name}: takes"):
        build(name, node, least - 1 if most is None else most + 1)


def test_what_fails_leaves_what_was_there(tmp_path):
    folder = tmp_path / "ess-1"
    with aside(folder) as made:
        (made / "one").write_text("old")
        (made / "below").mkdir()
        (made / "below" / "two").write_text("old")

    def failing():
        with aside(folder) as made:
            (made / "one").write_text("new")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    assert (folder / "one").read_text() == (folder / "below" / "two").read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["ess-1"]
