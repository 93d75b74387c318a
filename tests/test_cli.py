"""Commands, help, start-up and completion."""

import subprocess
import sys
import time

import pytest
import stand_in
import yaml

from vaelab import cli
from vaelab.cli import main
from vaelab.command.completion import candidates
from vaelab.composing import groups


def call(lab, *words, **variables):
    return subprocess.run(
        [sys.executable, "-m", "vaelab", *words],
        cwd=lab,
        env=stand_in.environment(lab, **variables),
        capture_output=True,
        text=True,
        timeout=120,
    )


def seconds(*words):
    """The best of three, as other processes share the machine."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "vaelab", *words], check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return min(times)


@pytest.mark.parametrize("words", [["--help"], ["list"], ["train", "--help"], ["--version"]])
def test_help_starts_within_a_second(words):
    assert seconds(*words) < 1.0


def test_a_config_is_shown_within_three_seconds():
    assert seconds("train", "--cfg", "job") < 3.0


@pytest.mark.parametrize("words", [["--help"], ["list"], ["train", "--cfg", "job"]])
def test_nothing_heavy_is_imported_before_it_is_needed(words):
    code = f"""
import sys
from vaelab.cli import main
main({words!r})
print("torch" in sys.modules, "hydra" in sys.modules, file=sys.stderr)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr.split() == ["False", str("--cfg" in words)]


def test_help_names_every_command_group_and_option(capsys):
    main(["--help"])
    overview = capsys.readouterr().out
    root = groups.config_dir()
    for name in cli.commands():
        assert f"\n  {name} " in overview
    for group in groups.groups(root):
        assert f"\n  {group}\n" in overview
        for option, path in groups.options(group, root).items():
            assert f" {option} " in overview
            assert groups.description(path) in overview


def test_help_of_train_names_every_setting(capsys):
    main(["train", "--help"])
    shown = capsys.readouterr().out
    for name, (value, comment) in groups.settings(groups.config_dir()).items():
        assert comment, f"{name} has no comment in train.yaml"
        assert f"  {name}={value}" in shown
        assert comment in shown


@pytest.mark.parametrize("name", sorted(cli.commands()))
def test_every_command_has_help(name, capsys):
    assert main([name, "--help"]) == 0
    assert f"usage: vaelab {name}" in capsys.readouterr().out


def test_a_reader_that_leaves_ends_it_silently(lab):
    for words in ("--help", "train --cfg job"):
        done = subprocess.run(
            f"{sys.executable} -m vaelab {words} | true",
            shell=True,
            cwd=lab,
            env=stand_in.environment(lab),
            capture_output=True,
            text=True,
        )
        assert done.stderr == ""


def test_cfg_prints_a_config_with_the_overrides(lab, capsys):
    assert main(["train", "prior=vamp", "prior.components=9", "--cfg", "job"]) == 0
    config = yaml.safe_load(capsys.readouterr().out)
    assert config["prior"]["components"] == 9
    assert config["choices"]["prior"] == "vamp"
    assert not (lab / "outputs").exists()


def test_options_may_stand_between_overrides(lab, capsys):
    assert main(["train", "-m", "seed=1,2", "--cfg", "job", "epochs=3"]) == 0
    shown = [yaml.safe_load(text) for text in capsys.readouterr().out.split("---\n")]
    assert [(config["seed"], config["epochs"]) for config in shown] == [(1, 3), (2, 3)]


def test_check_says_of_every_job_whether_it_would_start(lab, capsys):
    words = ["check", "-m", "trainer=joint,savae", "architecture=mlp,hvae"]
    assert main(words) == 2
    out = capsys.readouterr().out
    assert out.count(" ok ") == 3
    assert out.count(" refused ") == 1
    assert not (lab / "outputs").exists()


def test_training_from_the_command_line(lab, capsys):
    assert main(["train", "epochs=2"]) == 0
    first = capsys.readouterr().out
    assert "-90.50 ± 0.25" in first
    assert main(["train", "epochs=2"]) == 0
    assert "is complete" in capsys.readouterr().out
    assert len(next(lab.rglob("starts")).read_text().split()) == 1


def test_a_finished_run_is_shown_without_building_anything(lab):
    assert call(lab, "train", "epochs=2").returncode == 0
    code = "import sys; from vaelab.cli import main; main(sys.argv[1:])"
    code += "; print('vaelab.build' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, "train", "epochs=2"],
        cwd=lab,
        env=stand_in.environment(lab),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.endswith("False\n")


def test_own_options_are_used_from_a_folder(lab, capsys):
    (lab / "mine/prior").mkdir(parents=True)
    (lab / "mine/prior/flow.yaml").write_text("# My flow\n_target_: my_prior.Flow\ndepth: 2\n")
    (lab / "my_prior.py").write_text(
        "class Flow:\n    def __init__(self, latent_dim: int, depth: int):\n        pass\n"
    )
    done = call(lab, "train", "--config-dir", "mine", "prior=flow", "prior.depth=3")
    assert done.returncode == 0, done.stderr
    assert (lab / "outputs/train/digits-mlp-flow-elbo-joint").is_dir()
    done = call(lab, "train", "--config-dir", "mine", "prior=flow", "prior.depth=x")
    assert done.stderr == "vaelab: prior.depth=x: must be a whole number\n"
    assert "My flow" in call(lab, "list", "--config-dir", "mine").stdout


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("tr", ["train"]),
        ("train prior=v", ["prior=vamp"]),
        ("train -m prior=standard,v", ["prior=standard,vamp"]),
        ("train prior=vamp prior.c", ["prior.components="]),
        ("train experiment=", ["experiment=first/row"]),
        ("train optimizer.phi=", ["optimizer.phi=adam", "optimizer.phi=sgd"]),
        ("train optimizer.phi.l", ["optimizer.phi.lr="]),
        ("train beta=l", ["beta=linear"]),
        ("train pat", ["patience="]),
        ("list pri", ["prior"]),
        ("evaluate mi", ["mine/", "micro_batches="]),
        ("sample mine/pr", ["mine/prior/"]),
        ("sample mine rec", ["reconstruct="]),
        ("sample mine decode=", ["decode=sampled", "decode=greedy", "decode=beam"]),
        ("search sam", ["sampler="]),
        ("search space=mine.yaml metric=valid/n", ["metric=valid/nll"]),
        ("search space=mine.yaml prior=v", ["prior=vamp"]),
        ("report mi", ["mine/"]),
        ("report fo", ["formats="]),
        ("runs --w", ["--watch"]),
        ("completion f", ["fish"]),
        ("nothing x", []),
    ],
)
def test_completion(lab, typed, expected):
    (lab / "mine/prior").mkdir(parents=True)
    assert sorted(candidates(typed.split(" "))) == sorted(expected)


def test_completion_in_bash(lab):
    script = """
eval "$(vaelab completion bash)"
COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
for typed in "vaelab tr" "vaelab train prior=va" "vaelab train prior=vamp prior.comp"; do
  COMP_LINE=$typed COMP_POINT=${#typed} COMPREPLY=()
  _vaelab 2>/dev/null
  echo "${COMPREPLY[*]}"
done
"""
    bin_folder = lab / "bin"
    bin_folder.mkdir()
    program = bin_folder / "vaelab"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m vaelab "$@"\n')
    program.chmod(0o755)
    variables = stand_in.environment(lab)
    variables["PATH"] = f"{bin_folder}:{variables['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script], cwd=lab, env=variables, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["train", "vamp", "prior.components="]


def test_completion_is_quick():
    assert seconds("completion", "words", "vaelab train prior=") < 0.5
