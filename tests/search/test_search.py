"""The command: trials are ordinary runs, and their number is the one that was asked for."""

import csv
import json
import time

import pytest

from search import conftest
from search.forks import kill, wait_for
from vaelab.cli import main
from vaelab.runs import run as runs
from vaelab.runs.run import Run
from vaelab.search import make

WORDS = ["search", "space=space.yaml"]


def trials(bench):
    (path,) = bench.glob("outputs/search/*/trials.csv")
    return list(csv.DictReader(path.read_text().splitlines()))


def counted(bench):
    return [one for one in trials(bench) if one["status"] in ("complete", "pruned")]


def trained(bench):
    return [path.parent for path in bench.glob("outputs/train/**/starts")]


def test_a_search_from_its_first_trial_to_its_report(checked, capsys):
    assert main([*WORDS, "trials=2"]) == 0
    out = capsys.readouterr().out
    assert "[2/2, best" in out
    assert "2 of 2 trials" in out
    first = trials(checked)
    # A value is what the run itself calls its best.
    for one in first:
        best = json.loads((checked / one["runs"] / "results.json").read_text())["best"]
        assert float(one["value"]) == best["val_bound"]
        assert (one["prior"] == "vamp") == bool(one["prior.components"])
    folder = next(checked.glob("outputs/search/*"))
    assert {"history.png", "slices.png"} <= {path.name for path in folder.iterdir()}
    # The best one's command finds its run.
    best = max(first, key=lambda one: float(one["value"]))
    command = out[out.rindex("best: vaelab ") :].splitlines()[0].removeprefix("best: vaelab ")
    assert f"clip_norm={best['clip_norm']}" in command
    assert main(command.split()) == 0
    assert f"{best['runs']} is complete" in capsys.readouterr().out


def test_the_same_command_adds_what_is_missing_and_another_space_is_another_study(bench):
    assert main([*WORDS, "trials=2"]) == 0
    first = trials(bench)
    assert main([*WORDS, "trials=2", "threads=1"]) == 0
    assert trials(bench) == first
    assert main([*WORDS, "trials=3"]) == 0
    assert trials(bench)[:2] == first
    assert len(trials(bench)) == 3
    assert main([*WORDS, "trials=1", "epochs=5"]) == 0
    assert len(list(bench.glob("outputs/search/*"))) == 2


def test_a_finished_run_is_reused_and_a_grid_ends(bench, capsys):
    assert main(["train", "prior=standard", "epochs=4", "clip_norm=3"]) == 0
    (bench / "space.yaml").write_text(
        "space: {prior: [standard, mog]}\nsettings: {epochs: 4, clip_norm: 3}\nseeds: [1, 2]\n"
        "sampler: grid\npruner: none\n"
    )
    assert main(WORDS) == 0
    assert len(counted(bench)) == 2
    starts = [(path / "starts").read_text().split() for path in trained(bench)]
    assert len(starts) == 4
    assert all(len(one) == 1 for one in starts)
    assert "by seed" in capsys.readouterr().out
    # mog has 10 components: 30 from 40, and clip_norm=3 costs nothing; 10 / 4 is missing.
    assert max(float(one["value"]) for one in counted(bench)) == -32.5


def test_a_trial_that_fails_is_named_and_does_not_count(bench, capsys, monkeypatch):
    space = bench / "space.yaml"
    space.write_text(
        "space: {batch_size: [13, 32]}\nsettings: {epochs: 2}\nsampler: grid\npruner: none\n"
    )
    assert main(WORDS) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "1 of 2 trials" in out
    assert "failed: batch_size=13: RuntimeError: the loss is not a number" in out
    assert "1 failed besides" in out
    assert [one["batch_size"] for one in counted(bench)] == ["32"]
    assert main([*WORDS, "--dry-run"]) == 0
    assert "batch_size=13" in capsys.readouterr().out
    with monkeypatch.context() as patch:  # mended: the same command tries it again
        patch.setattr(conftest, "FAILING", None)
        assert main(WORDS) == 0
    assert "failed besides" not in capsys.readouterr().out
    assert sorted(one["batch_size"] for one in trials(bench)) == ["13", "32"]
    space.write_text("space: {clip_norm: {low: 1, high: 5}}\nsettings: {batch_size: 13}\n")
    monkeypatch.setattr(make, "FAILURES", 2)
    assert main([*WORDS, "pruner=none"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("vaelab: 2 trials in a row failed, the last with: RuntimeError")
    assert err.count("\n") == 1


def test_a_metric_of_the_validation_data_is_minimised(bench):
    assert main([*WORDS, "trials=2", "metric=valid/nll"]) == 0
    assert len(trials(bench)) == 2
    for one in trials(bench):
        stored = Run(bench / one["runs"]).read()["metrics"]["valid"]["nll"]["value"]
        assert float(one["value"]) == stored


def test_a_killed_search_goes_on_to_its_total(bench, forked, monkeypatch):
    killed(bench, forked, monkeypatch, times=1, trials=2)


@pytest.mark.slow
def test_a_search_that_is_killed_three_times_goes_on_to_its_total(bench, forked, monkeypatch):
    killed(bench, forked, monkeypatch, times=3, trials=6)


def killed(bench, forked, monkeypatch, times, trials):
    """No epoch of any run is trained twice but the one that was cut, and the total is exact."""
    monkeypatch.setenv("STAND_IN_SECONDS", "0.1")
    for number in range(times):
        process = forked(*WORDS, f"trials={trials}")
        begun = number + 1
        wait_for(lambda begun=begun: len(list(bench.glob("outputs/train/**/last.ckpt"))) >= begun)
        wait_for(lambda: any(Run(path).status == "running" for path in trained(bench)))
        time.sleep(0.15)  # into an epoch after the first
        kill(process)
    monkeypatch.setenv("STAND_IN_SECONDS", "0")
    assert main([*WORDS, f"trials={trials}"]) == 0
    assert len(counted(bench)) == len(trained(bench)) == trials
    assert all(Run(path).status == "complete" for path in trained(bench))
    again = [path for path in trained(bench) if len((path / "starts").read_text().split()) > 1]
    assert 1 <= len(again) <= times
    for path in trained(bench):
        assert (path / "epochs").read_text().split() == ["1", "2", "3", "4"]


def test_two_searches_of_a_study_share_its_trials(bench, forked, monkeypatch):
    monkeypatch.setenv("STAND_IN_SECONDS", "0.05")
    words = [*WORDS, "trials=4"]
    process = forked(*words)
    wait_for(lambda: trained(bench))
    assert main(words) == 0
    assert len(counted(bench)) == 4
    by = [(path / "starts").read_text().split() for path in trained(bench)]
    assert {pid for pids in by for pid in pids} >= {str(process)}
    assert len({pid for pids in by for pid in pids}) == 2
    assert all(len(pids) == 1 for pids in by)


@pytest.mark.parametrize(
    ("space", "words", "expected"),
    [
        ("prior: [standard, vmap]", "", "space.prior: prior=vmap: no such prior; did you mean"),
        ("epohcs: [1, 2]", "", "space.epohcs: epohcs: no such setting; did you mean epochs?"),
        ("prior.components: [5]", "", "add when: {prior: OPTION}"),
        ("epochs: {low: 1, high: 9}", "", "must be a whole number; add int: true"),
        ("clip_norm: [1, -1]", "", "clip_norm=-1: must be more than 0"),
        ("dataset: [digits, grey]", "", "space.dataset: bounds on other data"),
        ("bound: [elbo]", "", "space.bound: a tighter bound is no better model"),
        ("threads: [1, 2]", "", "space.threads: changes no model"),
        ("seed: [1, 2]", "", "space.seed: chance is not searched"),
        ("clip_norm: [1, 2]", "fresh=true", "a search finds its runs by what they are"),
        ("clip_norm: [1, 2]", "hydra/launcher=basic", "trials follow each other"),
        ("clip_norm: [1, 2]", "lightning.devices=2 pruner=median", "several processes cannot be"),
        ("clip_norm: {low: 1, high: 2}", "sampler=grid", "a grid needs a list of values"),
        ("clip_norm: [1, 2]", "metric=test/nll", "test data never select anything"),
        ("clip_norm: [1, 2]", "metric=valid/ppl", "metric=valid/ppl: dataset=digits has no tokens"),
        ("clip_norm: [1, 2]", "metric=valid/log_likelihood", "set evaluation.marginal=auto"),
    ],
)
def test_a_fault_is_said_before_any_trial(checked, capsys, space, words, expected):
    (checked / "space.yaml").write_text(f"space:\n  {space}\npruner: none\n")
    assert main([*WORDS, *words.split()]) == 2
    err = capsys.readouterr().err
    assert expected in err
    assert err.count("\n") == 1
    assert not (checked / "outputs").exists()


def test_a_dry_run_shows_what_would_be_tried_and_writes_nothing(bench, capsys):
    assert main([*WORDS, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "prior.components: whole numbers, 10 to 70 (with prior=vamp)" in out
    assert "done: 0 of 6 trials" in out
    proposed = out[out.index("vaelab train") :].splitlines()[0]
    assert not (bench / "outputs").exists()
    assert main([*WORDS, "trials=1"]) == 0
    (path,) = trained(bench)
    assert runs.command(["epochs=4"]) in proposed
    assert f"prior={Run(path).config['choices']['prior']} " in proposed
    assert main([*WORDS, "--dry-run"]) == 0
    assert "done: 1 of 6 trials" in capsys.readouterr().out
