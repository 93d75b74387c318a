"""What --dry-run says, over stand-ins for training and for timed steps."""

import importlib

import pytest

from vaelab.cli import main
from vaelab.dataset.download import obtain
from vaelab.reproduce import estimate
from vaelab.reproduce.estimate import Cost

COST = Cost(((218, 100.0), (146, 400.0)), 60.0)


@pytest.fixture
def timed(tiny, monkeypatch):
    """Every run of the tiny table has two stages."""
    monkeypatch.setattr(estimate, "Estimator", lambda: lambda config, run: COST)
    return tiny


def test_each_stage_is_said_with_its_epochs(timed, capsys):
    assert main(["reproduce", "table=tiny", "rows=vamp", "--dry-run"]) == 0
    out = capsys.readouterr().out
    whole = "at most 218 epochs x 1m40s + 146 epochs x 6m40s + evaluation 1m00s = 22h17m"  # 80260 s
    assert out.count(whole) == 2  # two seeds
    assert "2 of 2 runs to do, at most 44h35m" in out


def test_nothing_is_downloaded(timed, monkeypatch, capsys):
    asked = []

    def missing(tasks, devices):  # as building an architecture for sentences that are not here
        file = importlib.import_module("vaelab.dataset.facts.yahoo").FACTS.files[0]
        obtain(file, timed / "data")

    monkeypatch.setattr("vaelab.reproduce.make.check", missing)
    monkeypatch.setattr("vaelab.dataset.download._attempt", lambda *of: asked.append(of))
    assert main(["reproduce", "table=tiny", "rows=vamp", "--dry-run"]) == 2
    assert "refused:" in (said := capsys.readouterr().out)
    assert "`vaelab data get yahoo` and training do" in said
    assert asked == []
    assert not (timed / "data").exists()


@pytest.mark.parametrize(("patience", "said"), [("null", False), ("5", True)])
def test_only_a_run_with_patience_may_end_sooner(timed, capsys, patience, said):
    main(["reproduce", "table=tiny", "rows=vamp", f"patience={patience}", "--dry-run"])
    out = capsys.readouterr().out
    assert ("early stopping" in out) == said
    assert "an estimate from a few timed steps)" in out
