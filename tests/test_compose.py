"""From words to configs: mounts, presets, sweeps; and the laws of every YAML."""

import inspect

import pytest
import yaml

from vaelab.build import load
from vaelab.composing import groups
from vaelab.composing.compose import Composer
from vaelab.composing.validate import COMPONENTS, provided, type_hints, validate
from vaelab.files import plain

ROOT = groups.config_dir()
CLASSES = ("dataset", "architecture", "prior", "bound", "trainer", "likelihood", "schedule")
CLASSES += ("learning_rate", "optimizer", "evaluation", "watch")
OPTIONS = [
    pytest.param(group, path, id=f"{group}={option}")
    for group in CLASSES
    for option, path in groups.options(group, ROOT).items()
]
EVERY = [
    pytest.param(path, id=path.relative_to(ROOT).as_posix())
    for path in sorted(ROOT.rglob("*.yaml"))
]


def one(*words):
    return Composer().cells(list(words))[0].config


def test_a_mount_is_written_by_its_place(lab):
    config = one("optimizer.phi=sgd", "beta=constant")
    assert config.optimizer.phi["_target_"].endswith("Sgd")
    assert config.optimizer.theta["_target_"].endswith("Adam")
    assert config.beta["_target_"].endswith("Constant")


def test_the_group_of_mounts_means_all_of_them(lab):
    config = one("optimizer=sgd", "schedule=constant")
    assert config.optimizer.phi == config.optimizer.theta
    assert config.optimizer.phi["_target_"].endswith("Sgd")
    assert config.beta["_target_"].endswith("Constant")
    assert config.choices["optimizer.phi"] == config.choices["optimizer.theta"] == "sgd"


def test_hydras_own_way_to_write_a_mount_works(lab):
    assert one("optimizer@optimizer.phi=sgd") == one("optimizer.phi=sgd")


def test_a_data_set_brings_its_likelihood_and_the_user_may_choose_another(lab):
    assert one("dataset=grey").choices.likelihood == "gaussian"
    assert one("dataset=grey", "likelihood=bernoulli").choices.likelihood == "bernoulli"


def test_a_preset_wins_over_train_yaml_and_the_command_line_over_both(lab):
    config = one("experiment=first/row")
    assert (config.epochs, config.prior.components, config.optimizer.phi.lr) == (7, 1000, 0.5)
    config = one("experiment=first/row", "epochs=3", "prior.components=2")
    assert (config.epochs, config.prior.components) == (3, 2)


def test_a_presets_values_fall_away_below_a_group_chosen_differently(lab):
    row = "experiment=first/row"
    assert one(row, "prior=mog").prior.components == 10
    assert "components" not in one(row, "prior=standard").prior
    assert one(row, "optimizer.phi=adam").optimizer.phi.lr == 0.001
    assert one(row, "prior=vamp").prior.components == 1000  # the preset's own choice
    kept = one(row, "prior=mog")
    assert (kept.epochs, kept.optimizer.phi.lr) == (7, 0.5)


def test_a_sweep_is_every_combination(lab):
    cells = Composer(multirun=True).cells(["prior=vamp,mog", "seed=range(1,4)", "epochs=2"])
    found = {(cell.config.choices.prior, cell.config.seed, cell.config.epochs) for cell in cells}
    assert found == {(prior, seed, 2) for prior in ("vamp", "mog") for seed in (1, 2, 3)}


def test_a_config_does_not_depend_on_what_was_composed_before(lab):
    words = [["experiment=first/row", "prior=mog"], ["experiment=first/row"], ["prior=vamp"]]
    alone = [Composer().cells(list(one))[0].config for one in words]
    composer = Composer()
    together = [composer.cell(composer.reader.read(one)).config for one in [*words, *words]]
    assert together == [*alone, *alone]


def test_a_seed_reaches_everything_that_follows_it(lab):
    words = ["prior=mog", "epochs=${seed}"]
    composer = Composer()
    for seed in ("seed=4", "seed=5", ""):
        typed = [*words, *filter(None, [seed])]
        config = composer.cell(composer.reader.read(typed)).config
        alone = Composer()
        assert config == alone.cell(alone.reader.read(typed)).config
        assert config.epochs == config.seed == int(seed[-1:] or config.seed)
    assert config.seed not in (4, 5)


def test_what_follows_hydras_own_choices_is_the_jobs(lab):
    words = ["seed=1,2", "prior=vamp,mog", "output_dir=out/${hydra:runtime.choices.prior}"]
    cells = Composer(multirun=True).cells(words)
    assert [cell.config.output_dir for cell in cells] == ["out/vamp", "out/mog"] * 2
    (lab / "mine/experiment").mkdir(parents=True)
    preset = "# @package _global_\noutput_dir: ${hydra:job.override_dirname}"
    (lab / "mine/experiment/own.yaml").write_text(preset)
    words = ["experiment=own", "seed=1,2", "prior=vamp,mog"]
    cells = Composer(str(lab / "mine"), multirun=True).cells(words)
    for cell in cells:
        assert f"seed={cell.config.seed}" in cell.config.output_dir
        assert f"prior={cell.config.choices.prior}" in cell.config.output_dir


def test_a_sweep_over_presets_trims_each(lab):
    cells = Composer(multirun=True).cells(["experiment=first/row", "prior=vamp,mog"])
    assert [cell.config.prior.components for cell in cells] == [1000, 10]


def test_train_yaml_is_read_alike_with_and_without_a_parser():
    content = yaml.safe_load((ROOT / "train.yaml").read_text())
    entries = [entry for entry in content.pop("defaults") if entry != "_self_"]
    content.pop("hydra")
    assert list(groups.settings(ROOT)) == list(content)
    for name, (value, _) in groups.settings(ROOT).items():
        assert yaml.safe_load(value) == content[name]
    plain = [item for entry in entries for item in entry.items() if "override" not in item[0]]
    assert [name.partition("@")[0] for name, _ in plain] == [
        group for group, _, _ in groups.defaults(ROOT) if not group.startswith("hydra")
    ]


@pytest.mark.parametrize("path", EVERY)
def test_the_first_line_of_every_yaml_says_what_it_is(path):
    assert len(groups.description(path)) > 3


@pytest.mark.parametrize(("group", "path"), OPTIONS)
def test_a_yaml_lists_every_argument_of_its_class_and_no_other(group, path):
    node = yaml.safe_load(path.read_text())
    signature = inspect.signature(load(node["_target_"])).parameters
    own = set(signature) - provided(group)
    given = set(node) - {"_target_", "defaults"}
    assert given <= own
    if node["_target_"].startswith("vaelab."):
        assert given == own


@pytest.mark.parametrize(("group", "path"), OPTIONS)
def test_a_default_in_code_is_the_one_in_the_yaml(group, path):
    node = yaml.safe_load(path.read_text())
    target = load(node["_target_"])
    if not node["_target_"].startswith("vaelab.") or target.__module__.split(".")[-1] != path.stem:
        pytest.skip("another class's YAML, or a variant of one")
    for name, parameter in inspect.signature(target).parameters.items():
        if parameter.default is not parameter.empty and name in node and name != "data_dir":
            assert plain(parameter.default) == node[name]


@pytest.mark.parametrize(("group", "path"), OPTIONS)
def test_every_argument_is_annotated(group, path):
    target = load(yaml.safe_load(path.read_text())["_target_"])
    assert set(inspect.signature(target).parameters) <= set(type_hints(target)) | provided(group)


@pytest.mark.parametrize(
    "choice",
    [
        f"{place}={option}"
        for place in COMPONENTS
        for option in groups.options(groups.mounts(ROOT).get(place, place), ROOT)
    ],
)
def test_every_option_composes_and_validates(choice):
    place, _, option = choice.partition("=")
    config = one(choice)
    try:
        settled = validate(config)
    except Exception as error:  # an option may ask for a value, as dataset=npz for its file
        assert "must be given" in str(error)  # noqa: PT017
        return
    assert settled["choices"][place] == option


@pytest.mark.parametrize("preset", list(groups.options("experiment", ROOT)))
def test_every_preset_composes_and_validates(preset):
    validate(one(f"experiment={preset}"))
