"""Every mistake is one line that names the setting and the remedy, exit status 2, no folder."""

import pytest

from vaelab.cli import main

MISTAKES = [
    # names of options
    ("train prior=vmap", "prior=vmap: no such prior; did you mean vamp?"),
    ("train optimizer=foo", "optimizer=foo: no such optimizer (options: adam, sgd)"),
    ("train optimizer.phi=foo", "optimizer.phi=foo: no such optimizer"),
    ("train beta=lin", "beta=lin: no such schedule; did you mean linear?"),
    ("train likelihood=3", "likelihood=3: needs the name of one option"),
    ("train prior=null", "prior=null: needs the name of one option"),
    ("train prior=", "prior=: no such prior"),
    ("train prior=[vamp,mog]", "needs the name of one option (options: mog, standard, vamp)"),
    ("train prior=vamp prior=mog", "prior: given twice, as vamp and as mog"),
    ("train experiment=rwo", "did you mean first/row?"),
    ("train foo/bar=1", "foo/bar: no such group"),
    ("train optimizer@prior=adam", "nothing is mounted there"),
    ("train hydra/launcher=slurm", "did you mean submitit_slurm?"),
    ("train hydra/launcher=basc", "no such launcher; did you mean basic?"),
    ("train seed=1 hydra/launcher=joblib", "a launcher starts the runs of a sweep; add -m"),
    ("train hydra.launcher.n_jobs=2", "a launcher starts the runs of a sweep; add -m"),
    ("train -m seed=1,2 hydra/launcher=joblib,basic", "joblib,basic: one launcher starts all runs"),
    ("train -m hydra/launcher=joblib hydra.launcher.n_jobs=2,3", "n_jobs=2,3: one launcher starts"),
    ("train -m hydra/launcher=joblib hydra.launcher.njobs=2", "mean hydra.launcher.n_jobs?"),
    ("train -m seed=1,2 hydra.launcher.n_jobs=2", "choose one too, as in hydra/launcher=joblib"),
    ("train hydra.run.dir=x", "not used by vaelab"),
    ("train hydra=x", "not used by vaelab"),
    # names of settings
    ("train epoch=3", "epoch: no such setting; did you mean epochs?"),
    ("train prior=vamp prior.componets=3", "did you mean prior.components?"),
    ("train prior.components=3", "it belongs to prior=mog, vamp"),
    ("train optimzer.phi.lr=1", "did you mean optimizer.phi.lr?"),
    ("train logger.wandb=3", "it belongs to logger=wandb"),
    ("train +x=1", "settings cannot be added or removed"),
    ("train ++x=1", "settings cannot be added or removed"),
    ("train ~prior", "settings cannot be added or removed"),
    ("train prior._target_=os.getcwd", "belongs to the option itself"),
    ("train choices.prior=vamp", "choices.prior: no such setting"),
    # how they are written
    ("train prior", "write prior=OPTION (options: mog, standard, vamp)"),
    ("train epochs", "epochs: not a setting; write NAME=VALUE"),
    ("train =3", "the name is missing"),
    ("train epochs=[1", "a bracket is not closed"),
    ('train epochs="1', "a quote is not closed"),
    ("train a$b=3", "a$b: no such setting"),
    ("train a!b=3", "'a!b' cannot be a name"),
    ("train data_dir=a:b=", "put the value in quotes"),
    ("train seed=1,2", "several values are a sweep; use vaelab train -m"),
    ("train -m optimizer=adam,sgd", "optimizer.phi and optimizer.theta"),
    ("train -m prior=standard,vmap", "prior=vmap: no such prior; did you mean vamp?"),
    ("train seed=${nothing}", "seed: Interpolation key 'nothing' not found"),
    # values
    ("train epochs=many", "epochs=many: must be a whole number"),
    ("train epochs=1e1", "must be a whole number"),
    ("train epochs=0", "must be 1 or more"),
    ("train epochs=true", "epochs=true: must be a whole number"),
    ("train seed=", "seed=: must be a whole number"),
    ("train seed=-1", "must be 0 or more"),
    ("train fresh=maybe", "fresh=maybe: must be true or false"),
    ("train precision=16-mixed", "use bf16-mixed"),
    ("train precision=64", "must be one of 32 or bf16-mixed"),
    ("train clip_norm=-1", "must be more than 0"),
    ("train clip_scope=al", "must be one of all or stepped"),
    ("train batch_size=2 micro_batches=3", "more than batch_size=2"),
    ("train lightning.devices=0", "lightning.devices=0: must be 1 or more; auto for all there are"),
    ("train lightning.devices=-2", "lightning.devices=-2: must be how many, 1 or more, or auto"),
    ("train lightning.devices=[]", "lightning.devices=[]: must be how many"),
    ("train lightning=cpu lightning.devices=-1", "lightning.accelerator=cpu needs how many"),
    ("train lightning=cpu lightning.devices=[1]", "lightning.accelerator=cpu needs how many"),
    ("train lightning.num_nodes=0", "lightning.num_nodes=0: must be 1 or more"),
    ("train lightning.devices=[a]", "lightning.devices=['a']: must be"),
    ("train prior=vamp prior.init=rand", "must be one of data, random or null"),
    ("train prior=vamp prior.components=3.5", "prior.components=3.5: must be a whole number"),
    ("train architecture.sizes=[1,a]", "must be a list, each a whole number"),
    ("train optimizer.phi.betas=[1]", "must be a list of 2: a number, a number"),
    ("train architecture.hidden=0", "architecture=mlp: hidden must be at least 1"),
    ("train -m epochs=1,x", "epochs=x: must be a whole number"),
    # combinations
    ("train trainer=savae architecture=hvae", "choose architecture=mlp, or choose trainer=joint"),
    ("train bound.kl=analytic prior=vamp", "choose prior=standard, or bound=elbo with its default"),
    ("check trainer=savae architecture=hvae", "cannot be used with architecture=hvae"),
    # commands and their arguments
    ("trian", "trian: no such command; did you mean train?"),
    ("../train", "no such command"),
    ("train --cgf job", "unrecognized arguments: --cgf"),
    ("train --cfg hydra", "invalid choice: 'hydra'"),
    ("train --config-dir nowhere", "--config-dir nowhere: no such folder"),
    ("list prioir", "prioir: no such group; did you mean prior?"),
    ("evaluate", "RUN is missing"),
    ("evaluate nowhere", "nowhere: no such folder"),
    ("evaluate configs", "configs: no run in this folder"),
    ("sample configs --count many", "must be a whole number, 1 or more"),
    ("completion tcsh", "invalid choice: 'tcsh'"),
]


@pytest.mark.parametrize(("line", "expected"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_a_mistake_is_one_line_with_a_remedy(lab, capsys, line, expected):
    assert main(line.split(" ")) == 2
    out, err = capsys.readouterr()
    assert expected in err
    assert err.startswith("vaelab: ")
    assert err.count("\n") == 1
    assert out == ""
    assert not (lab / "outputs").exists()


@pytest.mark.parametrize("line", ["train", "train -m seed=1,2"])
def test_a_folder_that_cannot_be_made_is_one_line(lab, capsys, line):
    (lab / "file").write_text("")
    assert main([*line.split(" "), "output_dir=file/below"]) == 2
    err = capsys.readouterr().err
    assert "cannot be made (Not a directory); set output_dir" in err
    assert err.count("\n") == 1


def test_faults_of_several_settings_come_together(lab, capsys):
    assert main(["train", "epochs=x", "seed=-1", "fresh=0"]) == 2
    err = capsys.readouterr().err
    assert all(name in err for name in ("epochs=x", "seed=-1", "fresh=0"))


def test_a_broken_yaml_is_named_with_its_line(lab, capsys):
    (lab / "configs/prior/broken.yaml").write_text("# Broken\na: [1\nb: 2\n")
    assert main(["train", "prior=broken"]) == 2
    err = capsys.readouterr().err
    assert "prior/broken.yaml, line 3" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("_target_: stand_in.Nothing", "prior: module stand_in has no Nothing"),
        ("_target_: nowhere.Prior", "there is no module nowhere"),
        ("_target_: stand_in.Vamp\ncomponents: 3", "prior.init: must be given"),
        ("_target_: stand_in.Standard\nmore: 1", "prior.more: Standard has no such setting"),
        ("_target_: stand_in.Mog\ncomponents: ???", "prior.components: must be given"),
        ("components: 3", "prior: no option is chosen"),
    ],
)
def test_a_yaml_that_does_not_fit_its_class_is_refused(lab, capsys, text, expected):
    (lab / "configs/prior/mine.yaml").write_text(f"# Mine\n{text}\n")
    assert main(["train", "prior=mine"]) == 2
    assert expected in capsys.readouterr().err


def test_an_own_option_may_not_hide_one_of_ours(lab, capsys):
    (lab / "mine/prior").mkdir(parents=True)
    (lab / "mine/prior/vamp.yaml").write_text("# Mine\n_target_: stand_in.Standard\n")
    assert main(["train", "--config-dir", "mine"]) == 2
    assert "prior/vamp.yaml has the name of one of vaelab's" in capsys.readouterr().err


def test_a_gpu_that_is_not_there_is_refused(lab, capsys, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    assert main(["train", "lightning=gpu"]) == 2
    expected = "lightning=gpu: no CUDA device is visible; use lightning=cpu"
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize("devices", ["-1", "[0]", "[0,1]"])
def test_gpus_that_are_chosen_where_there_are_none_are_refused(lab, capsys, monkeypatch, devices):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    assert main(["train", f"lightning.devices={devices}"]) == 2
    err = capsys.readouterr().err
    assert "no GPU is visible; name how many processes" in err
    assert err.count("\n") == 1
    assert not (lab / "outputs").exists()


def test_a_logger_without_its_package_is_refused(lab, capsys, monkeypatch):
    monkeypatch.setattr("vaelab.composing.validate.find_spec", lambda name: None)
    assert main(["train", "logger=tensorboard"]) == 2
    assert "pip install 'vaelab[tensorboard]'" in capsys.readouterr().err


def test_a_failure_in_training_is_one_line_and_its_log(lab, capsys):
    assert main(["train", "clip_norm=666"]) == 1
    err = capsys.readouterr().err
    assert "RuntimeError: the loss is not a number (see outputs/train/" in err
    assert err.count("\n") == 1
    log = next(lab.rglob("log.txt")).read_text()
    assert "Traceback" in log


def test_an_unexpected_fault_says_where_its_traceback_is(lab, capsys, monkeypatch):
    monkeypatch.setattr("vaelab.sweeps.plan.train", lambda *_: 1 / 0)
    assert main(["train"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("vaelab: ZeroDivisionError: division by zero")
    assert err.count("\n") == 1
    path = err.rpartition("see ")[2].strip(")\n")
    with open(path) as log:
        assert "Traceback" in log.read()
