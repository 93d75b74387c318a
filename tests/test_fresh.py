"""`fresh`: a run once more beside the one that exists, begun and gone on with by its number."""

import signal

import pytest
import stand_in
import yaml
from test_run import start, wait_for

from vaelab.cli import main
from vaelab.runs.run import Run


def names(lab):
    return sorted(path.parent.name for path in lab.rglob("results.json"))


def starts(lab, name):
    (folder,) = lab.rglob(name)
    return len((folder / "starts").read_text().split())


def test_fresh_makes_another_folder_beside_it(lab, capsys):
    for number in (1, 2):
        assert main(["train", "epochs=1", "fresh=true"]) == 0
        assert f", fresh={number} goes on with it\n" in capsys.readouterr().out
    assert names(lab) == ["seed1", "seed1-2"]
    assert main(["train", "epochs=1"]) == 0
    assert len(names(lab)) == 2


def test_a_number_is_a_run_like_any_other(lab, capsys):
    for _ in range(2):
        assert main(["train", "epochs=1", "fresh=3"]) == 0
    assert names(lab) == ["seed1-3"]
    assert starts(lab, "seed1-3") == 1
    assert main(["train", "epochs=1", "fresh=1"]) == 0
    assert main(["train", "epochs=1"]) == 0
    assert names(lab) == ["seed1", "seed1-3"]
    assert starts(lab, "seed1") == 1


def test_a_run_explains_itself_by_its_number(lab):
    for _ in range(2):
        assert main(["train", "epochs=1", "fresh=true", "prior=vamp"]) == 0
    (folder,) = lab.rglob("seed1-2")
    assert Run(folder).config["fresh"] == 2
    typed = yaml.safe_load((folder / "overrides.yaml").read_text())
    assert typed["command"] == "vaelab train epochs=1 prior=vamp fresh=2"


def test_the_runs_of_a_sweep_have_one_number(lab, capsys):
    assert main(["train", "epochs=1", "seed=2"]) == 0
    assert main(["train", "-m", "epochs=1", "seed=1,2", "fresh=true"]) == 0
    assert "2 runs, 0 of them finished; fresh=2 goes on with them" in capsys.readouterr().out
    assert names(lab) == ["seed1-2", "seed2", "seed2-2"]
    assert main(["train", "-m", "epochs=1", "fresh=true,3"]) == 0
    assert names(lab) == ["seed1", "seed1-2", "seed1-3", "seed2", "seed2-2"]


@pytest.mark.parametrize("words", ["architecture.hidden=0", "-m seed=1,2 architecture.hidden=0"])
@pytest.mark.parametrize("before", [False, True])
def test_what_is_refused_leaves_no_folder(lab, words, before):
    if before:
        assert main(["train", "architecture.hidden=8", "epochs=1"]) == 0
    kept = sorted(lab.rglob("*"))
    assert main(["train", "fresh=true", *words.split()]) == 2
    assert main(["check", "fresh=true"]) == 0
    assert sorted(lab.rglob("*")) == kept


def test_the_repetition_of_a_finished_run_is_checked(lab, monkeypatch):
    """The run itself needs no check any more."""

    def refusing(self, shape, hidden: int, sizes, latent: int):
        raise ValueError("no longer")

    assert main(["train", "epochs=1"]) == 0
    monkeypatch.setattr(stand_in.Mlp, "__init__", refusing)
    assert main(["train", "epochs=1", "fresh=true"]) == 2
    assert len(list(lab.rglob("seed1*"))) == 1


@pytest.mark.parametrize("word", ["fresh=0", "fresh=-1"])
def test_numbers_start_from_one(lab, capsys, word):
    assert main(["train", word]) == 2
    assert f"{word}: must be 1 or more" in capsys.readouterr().err


def test_ctrl_c_says_how_to_go_on_and_that_goes_on(lab):
    assert main(["train", "epochs=3"]) == 0
    process = start(lab, "train", "epochs=3", "fresh=true", STAND_IN_SECONDS="0.5")
    wait_for(lambda: any(lab.rglob("seed1-2/checkpoints/last.ckpt")))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err == "vaelab: interrupted; the same command with fresh=2 continues\n"
    (folder,) = lab.rglob("seed1-2")
    assert Run(folder).status == "interrupted"
    assert main(["train", "epochs=3", "fresh=2"]) == 0
    assert Run(folder).status == "complete"
    assert (folder / "epochs").read_text().split() == ["1", "2", "3"]
    assert names(lab) == ["seed1", "seed1-2"]
