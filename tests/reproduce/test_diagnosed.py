"""A table's diagnosis: of which runs, when it is made again, and where its pictures are shown."""

import os
from dataclasses import replace

import pytest

from tests.reproduce.fakes import cell, outcome, report, trained
from vaelab.errors import UserError
from vaelab.files import write_json
from vaelab.reproduce import diagnosed
from vaelab.reproduce.pages import html_page, markdown
from vaelab.reproduce.request import Request
from vaelab.reproduce.spec import Diagnosis, read

TABLE = """
title: T
columns: {c: {}}
rows: {r: {}}
cells: {r: {c: 1}}
"""


def spec_of(tmp_path, text):
    path = tmp_path / "t.yaml"
    path.write_text(TABLE + text)
    return read("figure", "t", path).diagnosis


def test_a_table_names_its_diagnosis_and_settings(tmp_path):
    assert spec_of(tmp_path, "") is None
    assert spec_of(tmp_path, "diagnosis: {name: ess}") == Diagnosis("ess", [])
    asked = spec_of(tmp_path, "diagnosis: {name: ess, settings: [samples=3]}")
    assert asked == Diagnosis("ess", ["samples=3"])
    for text, said in (
        ("diagnosis: ess", "diagnosis=ess: must be"),
        ("diagnosis: {settings: []}", r"diagnosis\.name is missing"),
        ("diagnosis: {name: ess, setting: []}", "did you mean settings"),
        ("diagnosis: {name: ess, settings: [3]}", r"diagnosis\.settings=\[3\]: must be"),
    ):
        with pytest.raises(UserError, match=said):
            spec_of(tmp_path, text)


def finished(root, *outcomes):
    """A report whose runs have results, with a diagnosis."""
    for one in outcomes:
        for run in one.runs:
            if run.value is not None:
                write_json(run.folder / "results.json", {"status": "complete"})
    return report(*outcomes, diagnosis=Diagnosis("ess", ["samples=9"]))


def test_every_finished_run_is_diagnosed_once_by_the_labels_of_its_cell(tmp_path):
    shared = trained(1.0, root=tmp_path / "shared")
    outcomes = [
        outcome(of=cell("static", "standard"), runs=(shared,)),
        outcome(of=cell("static", "vamp"), runs=(shared,)),
        outcome(1.0, 2.0, None, of=cell("frey", "standard"), root=tmp_path),
        outcome(1.0, of=cell("frey", "vamp"), root=tmp_path),
    ]
    found = diagnosed.labelled(outcomes)
    assert {name: run.folder for name, run in found.items()} == {
        "static MNIST": shared.folder,
        "Frey Faces, VAE std, seed 1": tmp_path / "frey" / "standard" / "seed1",
        "Frey Faces, VAE std, seed 2": tmp_path / "frey" / "standard" / "seed2",
        "Frey Faces, VAE Vamp": tmp_path / "frey" / "vamp" / "seed1",
    }


@pytest.fixture
def made(monkeypatch):
    """Diagnoses that were made, by a stand-in that draws one picture."""
    from vaelab.diagnosis import make

    asked = []

    def diagnose(name, node, subjects, folder):
        asked.append((name, node["samples"], list(subjects)))
        (folder / "below").mkdir(parents=True, exist_ok=True)
        (folder / "below" / "ess.png").touch()
        runs = {label: str(run) for label, run in subjects.items()}
        write_json(folder / make.RECORD, {"settings": dict(node), "runs": runs})

    monkeypatch.setattr(make, "diagnose", diagnose)
    monkeypatch.setattr(
        make, "subjects", lambda runs, texts, labels: dict(zip(labels, runs, strict=True))
    )
    return asked


def test_it_is_made_again_only_where_something_is_new(tmp_path, made):
    one = finished(tmp_path, outcome(1.0, root=tmp_path))
    request, folder = Request(one.table, None), tmp_path / "page" / "diagnosis"
    expected = (folder / "below" / "ess.png",)
    for _ in range(2):
        assert diagnosed.pictures(one, request, folder) == expected
    assert made == [("ess", 9, ["static MNIST"])]
    other = replace(one, table=replace(one.table, diagnosis=Diagnosis("ess", ["samples=8"])))
    diagnosed.pictures(other, request, folder)
    assert len(made) == 2
    more = finished(tmp_path, outcome(1.0, 2.0, root=tmp_path))
    diagnosed.pictures(more, request, folder)
    diagnosed.pictures(more, request, folder)
    assert [labels for _, _, labels in made[2:]] == [
        ["static MNIST, seed 1", "static MNIST, seed 2"]
    ]
    later = (folder / "settings.json").stat().st_mtime + 9
    os.utime(more.outcomes[0].runs[0].folder / "results.json", (later, later))
    diagnosed.pictures(more, request, folder)
    assert len(made) == 4


def test_without_a_finished_run_or_with_a_mistake_there_is_none(tmp_path, made, capsys):
    open_one = finished(tmp_path, outcome(None, root=tmp_path))
    assert diagnosed.pictures(open_one, Request(open_one.table, None), tmp_path / "d") == ()
    assert made == []
    one = finished(tmp_path, outcome(1.0, root=tmp_path))
    wrong = replace(one, table=replace(one.table, diagnosis=Diagnosis("ess", ["sample=8"])))
    assert diagnosed.pictures(wrong, Request(one.table, None), tmp_path / "d") == ()
    assert "vaelab: diagnosis ess: sample: no such setting of ess" in capsys.readouterr().err


def test_pages_show_its_pictures(tmp_path):
    picture = tmp_path / "diagnosis" / "a b.png"
    shown = replace(report(outcome(1.0), diagnosis=Diagnosis("ess")), pictures=(picture,))
    assert "![diagnosis ess](diagnosis/a%20b.png)" in markdown.text(shown, tmp_path, None)
    page = html_page.text(shown, tmp_path, None, {})
    assert '<img src="diagnosis/a%20b.png" alt="diagnosis ess">' in page
    without = report(outcome(1.0))
    assert "diagnosis" not in markdown.text(without, tmp_path, None)
    assert "<img" not in html_page.text(without, tmp_path, None, {})
