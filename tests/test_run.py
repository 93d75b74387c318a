"""Run folders: what makes two runs the same, and who may write in one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import stand_in

from vaelab.cli import main
from vaelab.composing.compose import Composer
from vaelab.composing.identity import folder
from vaelab.errors import UserError
from vaelab.runs import run as runs
from vaelab.runs.again import settings_for
from vaelab.runs.run import Busy, Run


def where(*words):
    from omegaconf import OmegaConf

    return folder(OmegaConf.to_container(Composer().cells(list(words))[0].config))


def start(lab, *words, **variables):
    # Tests that run in a shell's background ignore Ctrl-C, and what they start would inherit it.
    kept = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "vaelab", *words],
            cwd=lab,
            env=stand_in.environment(lab, **variables),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, kept)


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("prior=vamp prior.scale=2", "prior=vamp prior.scale=2.0"),
        ("prior=vamp", "prior=vamp prior.components=500"),
        ("precision=32", "precision='32'"),
        ("epochs=3 batch_size=7", "batch_size=7 epochs=3"),
        ("threads=3", "lightning=cpu"),
        ("logger=tensorboard", "evaluation=paper"),
        ("data_dir=/somewhere", "fresh=true"),
        ("experiment=first/row prior=standard optimizer=adam", "epochs=7"),
    ],
)
def test_the_same_run(lab, first, second):
    assert where(*first.split()) == where(*second.split())


@pytest.mark.parametrize(
    "words", ["epochs=3", "prior=vamp", "optimizer.phi.lr=0.5", "batch_size=2", "compile=true"]
)
def test_another_run(lab, words):
    assert where(words).parent != where().parent


def test_seeds_are_folders_of_one_setting(lab):
    one, two = where("seed=1"), where("seed=2")
    assert (one.name, two.name) == ("seed1", "seed2")
    assert one.parent == two.parent
    assert one.parts[:3] == ("outputs", "train", "digits-mlp-standard-elbo-joint")


def test_a_run_explains_itself(lab):
    assert main(["train", "epochs=1", "prior=vamp", "clip_norm=2"]) == 0
    run = runs.find("outputs")
    assert run.config["prior"]["components"] == 500
    assert run.config["choices"]["prior"] == "vamp"
    results = run.read()
    assert results["status"] == "complete"
    assert results["seed"] == 1
    assert results["threads"] == 1
    assert results["device"]
    assert results["config_hash"].startswith(run.folder.parent.name)
    assert {"vaelab", "python", "torch", "pytorch-lightning"} <= set(results["versions"])
    assert "prior=vamp" in (run.folder / "overrides.yaml").read_text()
    assert run.log.is_file()


def test_update_merges_and_leaves_no_other_file(tmp_path):
    run = Run(tmp_path)
    run.update(status="running", metrics={"test": {"nll": 1}})
    run.update(metrics={"test": {"elbo": 2}, "valid": {"nll": 3}})
    assert run.read()["metrics"] == {"test": {"nll": 1, "elbo": 2}, "valid": {"nll": 3}}
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]
    Run(tmp_path, writable=False).update(status="complete")
    assert run.read()["status"] == "running"


def test_a_damaged_result_is_named(tmp_path):
    (tmp_path / "results.json").write_text("{")
    with pytest.raises(UserError, match="damaged"):
        Run(tmp_path).read()


def test_running_is_believed_only_while_the_lock_is_held(tmp_path):
    run = Run(tmp_path)
    assert run.status == "new"
    with run.lock():
        run.update(status="running")
        assert run.status == "running"
        with pytest.raises(Busy, match="by this process"), Run(tmp_path).lock():
            pass
        assert run.status == "running"  # the refusal did not let go of it
    assert run.status == "interrupted"


def test_find(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        Path("outputs/train", name).mkdir(parents=True)
        Path("outputs/train", name, "config.yaml").write_text("seed: 1\n")
    assert runs.find("outputs/train/a").folder == Path("outputs/train/a")
    with pytest.raises(UserError, match="2 runs below it"):
        runs.find("outputs")
    with pytest.raises(UserError, match="no such folder"):
        runs.find("nowhere")
    Path("outputs/train/b/config.yaml").unlink()
    assert runs.find("outputs").folder == Path("outputs/train/a")


def test_many_processes_at_once_start_a_run_once(lab):
    several = [
        start(lab, "train", f"seed={seed}", "epochs=3", STAND_IN_SECONDS="1")
        for _ in range(4)
        for seed in (1, 2)
    ]
    done = [(*process.communicate(timeout=120), process.returncode) for process in several]
    starts = list(lab.rglob("starts"))
    assert len(starts) == 2
    assert all(len(path.read_text().split()) == 1 for path in starts)
    assert {code for *_, code in done} <= {0, 1}
    refused = [err for _, err, code in done if code == 1]
    assert all("is being trained by process" in err for err in refused)
    assert all(err.count("\n") == 1 for err in refused)
    assert len(refused) >= 4


def test_a_killed_run_is_interrupted_and_goes_on(lab):
    process = start(lab, "train", "epochs=5", STAND_IN_SECONDS="0.3")
    wait_for(lambda: any(lab.rglob("last.ckpt")))
    run = runs.find("outputs")
    assert run.status == "running"
    process.kill()
    process.wait()
    process.communicate()
    assert json.loads(run.results.read_text())["status"] == "running"
    assert run.status == "interrupted"
    done = int((run.checkpoints / "last.ckpt").read_text())
    assert 1 <= done < 5
    assert main(["train", "epochs=5"]) == 0
    assert run.status == "complete"
    assert len((run.folder / "starts").read_text().split()) == 2


def test_ctrl_c_is_130_and_can_be_continued(lab):
    process = start(lab, "train", "epochs=50", STAND_IN_SECONDS="0.2")
    wait_for(lambda: any(lab.rglob("last.ckpt")))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == "vaelab: interrupted; the same command continues\n"
    assert runs.find("outputs").read()["status"] == "interrupted"


def test_a_sweep_does_what_is_missing(lab, capsys):
    assert main(["train", "epochs=1", "seed=2"]) == 0
    capsys.readouterr()
    assert main(["train", "-m", "epochs=1", "seed=1,2,3,2"]) == 0
    out = capsys.readouterr().out
    assert "3 runs, 1 of them finished" in out
    assert out.count(" complete ") == 3
    assert all(len(path.read_text().split()) == 1 for path in lab.rglob("starts"))
    assert len(list(lab.rglob("starts"))) == 3


def test_one_failure_in_a_sweep_stops_no_other(lab, capsys):
    assert main(["train", "-m", "epochs=1", "clip_norm=666,1", "seed=1,2"]) == 1
    out = capsys.readouterr().out
    assert out.count("failed: ") == 2
    assert out.count(" complete ") == 2
    assert "RuntimeError: the loss is not a number" in " ".join(out.split())


def test_a_wrong_cell_stops_a_sweep_before_it_starts(lab, capsys):
    assert main(["train", "-m", "trainer=joint,savae", "architecture=mlp,hvae"]) == 2
    assert not list(lab.rglob("starts"))


def test_joblib_runs_jobs_side_by_side(lab):
    process = start(
        lab,
        "train",
        "-m",
        "seed=1,2,3",
        "epochs=2",
        "hydra/launcher=joblib",
        "hydra.launcher.n_jobs=2",
        STAND_IN_SECONDS="0.1",
    )
    out, err = process.communicate(timeout=180)
    assert process.returncode == 0, err
    assert out.count(" complete ") == 3
    processes = {path.read_text().strip() for path in lab.rglob("starts")}
    assert str(process.pid) not in processes
    assert all(json.loads(path.read_text())["threads"] == 1 for path in lab.rglob("results.json"))


def test_what_another_process_had_and_left_is_done_after_all(lab, monkeypatch):
    """It took a run between the plan and the start, and was killed before the sweep ended."""
    from vaelab.sweeps import launch as sweep
    from vaelab.sweeps.plan import plan

    composer = Composer(multirun=True)
    tasks = plan(composer.cells(["seed=1,2", "epochs=1"]))
    passes = []

    def start(_, todo, *__):
        passes.append([task.config["seed"] for task in todo])
        had = {tasks[0].folder} if len(passes) == 1 else set()
        for task in todo:
            if task.folder not in had:
                Run(task.folder).update(status="complete")
        return sweep.Ended({task.folder for task in todo} - had)

    monkeypatch.setattr(sweep, "start", start)
    sweep.launch(composer, tasks)
    assert passes == [[1, 2], [1]]


def test_two_sweeps_at_once_share_the_work(lab):
    words = ["train", "-m", "seed=1,2,3,4", "epochs=2"]
    both = [start(lab, *words, STAND_IN_SECONDS="0.3") for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=180)
        assert process.returncode == 0, err
        assert out.count(" complete ") == 4
    assert all(len(path.read_text().split()) == 1 for path in lab.rglob("starts"))


def test_a_further_process_of_a_run_writes_nothing(lab, monkeypatch):
    assert main(["train", "epochs=1"]) == 0
    run = runs.find("outputs")
    before = run.results.read_bytes()
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("VAELAB_RUN", str(run.folder))
    assert main(["train", "epochs=1"]) == 0
    assert run.results.read_bytes() == before
    assert len((run.folder / "starts").read_text().split()) == 2
    assert os.environ["VAELAB_RUN"] == str(run.folder)


@pytest.fixture
def trained(lab, capsys):
    assert main(["train", "epochs=1", "prior=vamp", "prior.components=7", "clip_norm=3"]) == 0
    capsys.readouterr()
    return runs.find("outputs")


def test_an_evaluation_takes_the_runs_settings_and_the_overrides(trained):
    words = ["trainer=savae", "trainer.steps=80", "evaluation.samples=9", "dataset=grey"]
    config = settings_for(trained, words)
    assert (config["prior"]["components"], config["clip_norm"]) == (7, 3.0)
    assert config["trainer"]["steps"] == 80
    assert config["evaluation"] == {"samples": 9}
    assert config["choices"]["trainer"] == "savae"
    assert config["choices"]["evaluation"] == "paper"
    assert config["choices"]["likelihood"] == "bernoulli"  # trained with it
    assert settings_for(trained, [])["evaluation"]["samples"] == 5000
    assert settings_for(trained, ["evaluation=quick"])["evaluation"]["samples"] == 100


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("prior=mog", "prior belongs to the trained model"),
        ("prior.components=3", "prior belongs to the trained model"),
        ("beta=constant", "beta belongs to the trained model"),
        ("epochs=3", "only training uses this"),
        ("hydra/launcher=basic", "only training uses this"),
        ("trainer=svaae", "did you mean savae?"),
        ("evaluation.sample=3", "did you mean evaluation.samples?"),
        ("threads=x", "threads=x: must be a whole number or null"),
        ("seed=1,2", "several values are a sweep"),
        ("+x=1", "cannot be added"),
    ],
)
def test_an_evaluation_refuses_what_it_cannot_change(trained, capsys, words, expected):
    for command in ("evaluate", "sample"):
        assert main([command, "outputs", *words.split()]) == 2
        err = capsys.readouterr().err
        assert expected in err
        assert err.count("\n") == 1
