import subprocess
import sys
from pathlib import Path

import pytest

from report import made_up
from vaelab.cli import main


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for seed in (1, 2):
        made_up.write(tmp_path / f"outputs/train/a/h/seed{seed}", figures=("samples.png",))
    return tmp_path


def test_it_writes_four_files_and_writes_them_again(runs, capsys):
    assert main(["report"]) == 0
    said = capsys.readouterr().out
    for kind in ("html", "md", "csv", "tex"):
        assert f"written: report.{kind}\n" in said
    Path("report.md").write_text("<!-- vaelab report -->\nold")
    assert main(["report", "outputs", "tables=none"]) == 0
    assert "h/seed2" in Path("report.md").read_text()
    assert [path.name for path in Path().iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("name", ["report.html", "report.md", "report.csv", "report.tex"])
def test_it_writes_over_nothing_else_and_then_nothing_at_all(runs, capsys, name):
    Path(name).write_text("mine")
    assert main(["report"]) == 2
    said = capsys.readouterr().err
    assert f"{name} is there and is no report" in said
    assert said.count("\n") == 1
    assert Path(name).read_text() == "mine"
    assert [path.name for path in Path().glob("report.*")] == [name]


def test_a_link_that_leads_nowhere_is_something_of_the_users(runs):
    Path("report.html").symlink_to("nowhere")
    assert main(["report"]) == 2
    assert Path("report.html").is_symlink()


def test_places_and_formats(runs):
    assert main(["report", "outputs", "output=sub/x.html", "formats=md,csv"]) == 0
    assert sorted(path.name for path in Path("sub").iterdir()) == ["x.csv", "x.md"]
    assert main(["report", "output=sub", "formats=tex"]) == 0  # a folder
    assert Path("sub/report.tex").is_file()
    assert main(["report", "output=v1.2", "formats=md"]) == 0
    assert Path("v1.2.md").is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["formats=pdf"], "formats=pdf: pdf is none (options: html, md, csv, tex)"),
        (["formats="], "formats=: name one or more of html, md, csv, tex"),
        (["fromats=md"], "fromats=md: no such setting of a report; did you mean formats?"),
        (["nowhere"], "nowhere: no such folder"),
        (["output="], "output=: must name a file"),
        (["output=a.html", "output=b.html"], "output: given twice, as a.html and as b.html"),
        (["tables=vamp"], "tables=vamp: no such table"),
        (["--config-dir", "nowhere"], "--config-dir nowhere: no such folder"),
        (["output=outputs/train/a/h/seed1/config.yaml/x"], "cannot be written"),
    ],
)
def test_mistakes_are_one_line(runs, capsys, words, said):
    assert main(["report", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert list(Path().glob("*.html")) == []


def test_a_damaged_run_does_not_stop_it(runs):
    (runs / "outputs/train/a/h/seed2/results.json").write_text("{")
    assert main(["report", "formats=csv"]) == 0
    (row,) = [one for one in Path("report.csv").read_text().splitlines() if "h/seed2" in one]
    assert row.startswith("h/seed2,outputs/train/a/h/seed2,damaged,results.json cannot be read,2,")


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from vaelab.cli import main; main(['report', '--help']); main(['diff', '-h']);"
        "print({'hydra', 'torch', 'rich', 'yaml', 'PIL'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "set()\n"
    assert "vaelab report [RUN|FOLDER ...]" in done.stdout
    assert "usage: vaelab diff A B" in done.stdout
