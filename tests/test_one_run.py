"""Cells of a sweep that mean one run, and evaluations that a run must have."""

import json
import sys
import types
from pathlib import Path

import pytest

from vaelab.cli import main
from vaelab.composing.compose import Composer
from vaelab.errors import UserError
from vaelab.runs.evaluated import evaluation_file
from vaelab.runs.run import find
from vaelab.sweeps.plan import plan


@pytest.fixture
def evaluated(lab, monkeypatch):
    """What was evaluated after training, in order; 13 samples are too much for it."""
    done = []

    def evaluate_run(run, config):
        samples = config["evaluation"]["samples"]
        if samples == 13:
            raise UserError("13 samples bring bad luck")
        done.append((run.folder.name, samples))
        path = evaluation_file(run, config)
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"metrics": {"test": {"nll": {"value": samples}}}}))

    module = types.ModuleType("vaelab.evaluation.run")
    vars(module)["evaluate_run"] = evaluate_run
    monkeypatch.setitem(sys.modules, "vaelab.evaluation.run", module)
    return done


def train(*words):
    return main(["train", "epochs=1", *words])


def test_a_sweep_over_evaluations_trains_once_and_makes_each(lab, evaluated, capsys):
    words = ["-m", "evaluation.samples=7,8,9"]
    assert train(*words) == 0
    assert "1 runs, 0 of them finished" in capsys.readouterr().out
    assert evaluated == [("seed1", 8), ("seed1", 9)]  # that with 7 is the run's own
    (starts,) = lab.rglob("starts")
    assert len(starts.read_text().split()) == 1
    assert train(*words) == 0
    assert "1 runs, 1 of them finished" in capsys.readouterr().out
    assert len(evaluated) == 2


def test_a_finished_run_is_evaluated_as_a_sweep_says(lab, evaluated, capsys):
    assert train() == 0
    assert train("-m", "evaluation=quick,paper") == 0
    assert "1 runs, 0 of them finished" in capsys.readouterr().out
    assert evaluated == [("seed1", 5000)]


def test_the_same_typed_twice_is_one_run(lab):
    cells = Composer(multirun=True).cells(["seed=1,2,1", "prior=vamp", "prior.scale=2,2.0"])
    assert [task.config["seed"] for task in plan(cells)] == [1, 2]
    assert not any(task.wanted for task in plan(cells))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("threads=1,2", "threads=1 and threads=2 are one run: threads says how"),
        ("seed=1,2 threads=3,4", "threads=3 and threads=4 are one run: threads says how"),
        ("lightning=cpu,auto", "lightning=cpu and lightning=auto are one run: lightning says"),
        ("lightning.devices=1,2", "are one run: lightning.devices says"),
        ("data_dir=a,b", "data_dir=a and data_dir=b are one run: data_dir says"),
        ("threads=1,2 evaluation=quick,paper", "threads=1 and threads=2 are one run"),
        ("fresh=false,1", "are one run: fresh says"),
    ],
)
@pytest.mark.parametrize("command", ["train", "check"])
def test_a_sweep_over_what_makes_no_run_is_refused(lab, capsys, words, said, command):
    assert main([command, "-m", *words.split()]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "choose one value" in err
    assert err.count("\n") == 1
    assert not (lab / "outputs").exists()


def test_what_an_option_brings_is_named_with_the_option(lab, capsys):
    for name, threads in (("few", 1), ("many", 2)):
        text = f"# @package _global_\n# A preset\nthreads: {threads}\n"
        (lab / "configs" / "experiment" / f"{name}.yaml").write_text(text)
    assert train("-m", "experiment=few,many") == 2
    expected = "experiment=few and experiment=many are one run: threads says how it is trained"
    assert expected in capsys.readouterr().err


def test_every_evaluation_of_a_run_is_checked_before_it_is_trained(lab, evaluated, capsys):
    evaluation = "# Refused\n_target_: stand_in.Vamp\nlatent_dim: 1\ncomponents: 1\ninit: null\n"
    for name, scale in (("well", 1.0), ("badly", "a")):
        path = lab / "configs" / "evaluation" / f"{name}.yaml"
        path.write_text(f"{evaluation}scale: {scale}\n")
    assert train("-m", "evaluation=well,badly") == 2
    assert "evaluation.scale=a: must be a number" in capsys.readouterr().err
    assert not (lab / "outputs").exists()


def test_an_evaluation_that_fails_is_said_at_the_end(lab, evaluated, capsys):
    for samples in ("12,13", "12"):  # what failed is tried again, what did not is not
        status = train("-m", "seed=1,2", f"evaluation.samples={samples}", "evaluation=quick")
        assert status == (1 if samples == "12,13" else 0)
        out, err = capsys.readouterr()
        assert out.count(" complete ") == 2
        for seed in (1, 2) if status else ():
            (folder,) = lab.rglob(f"seed{seed}")
            where = folder.relative_to(Path.cwd())
            assert f"{where}: evaluation failed: 13 samples bring bad luck (see {where}" in err
    assert err == ""
    assert evaluated == []  # 12 are the runs' own


def test_a_single_run_whose_evaluation_fails_is_no_success(lab, evaluated, capsys):
    path = lab / "configs" / "evaluation" / "quick.yaml"
    path.write_text("# One of an epoch\nsamples: 13\nepoch: null\n")
    words = ["snapshots=[1]", "evaluation.epoch=1"]
    assert train(*words) == 1
    out, err = capsys.readouterr()
    run = find("outputs")
    assert run.status == "complete"
    assert f"run: {run}" in out  # its own results are shown all the same
    assert "evaluation failed: 13 samples bring bad luck" in err
    assert train(*words) == 1
    path.write_text("# One of an epoch\nsamples: 12\nepoch: null\n")
    assert train(*words) == 0
