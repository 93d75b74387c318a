"""Laws of every data set: every YAML of the group, under every protocol, from documented files."""

import inspect
import re
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
import torch
import yaml

from vaelab.errors import UserError
from vaelab.traits import Trait

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
YAMLS = sorted((CONFIGS / "dataset").glob("*.yaml"))
# Sentences have tests of their own; an image or vector set is tested by having a YAML.
NAMES = [path.stem for path in YAMLS if "likelihood: categorical" not in path.read_text()]
PROTOCOLS = {
    "mnist": ("vampprior", "iwae"),
    "omniglot": ("vampprior", "iwae", "savae"),
    "omniglot_raw": ("vampprior", "iwae", "savae"),
}
CASES = [(name, protocol) for name in NAMES for protocol in PROTOCOLS.get(name, ("",))]
SIZES = {
    ("digits", ""): (1_297, 250, 250),
    ("mnist", "vampprior"): (50_000, 10_000, 10_000),
    ("mnist", "iwae"): (59_600, 400, 10_000),
    ("static_mnist", ""): (50_000, 10_000, 10_000),
    ("omniglot", "vampprior"): (23_000, 1_345, 8_070),
    ("omniglot", "iwae"): (23_000, 1_345, 8_070),
    ("omniglot", "savae"): (22_345, 2_000, 8_070),
    ("omniglot_raw", "vampprior"): (23_000, 1_345, 8_115),
    ("omniglot_raw", "iwae"): (23_000, 1_345, 8_115),
    ("omniglot_raw", "savae"): (22_345, 2_000, 8_115),
    ("caltech101", ""): (4_100, 2_264, 2_307),
    ("freyfaces", ""): (1_565, 200, 200),
    ("histopathology", ""): (6_800, 2_000, 2_000),
    ("linear_gaussian", ""): (5_000, 1_000, 1_000),
    ("npz", ""): (45, 5, 10),  # 50 and 10 written; a tenth of 50 held out
    ("folder", ""): (48, 6, 6),  # 60 written, a tenth held out twice
}
SHAPES = {"digits": (1, 8, 8), "freyfaces": (1, 28, 20), "folder": (1, 28, 20)}
SHAPES["linear_gaussian"] = (10,)
# Models whose likelihood is known: examples of training and of test, and the shape.
KNOWN = dict.fromkeys(("figure8", "circle", "abs", "clusters", "spiral_dots"), (2_000, (2,)))
KNOWN |= dict.fromkeys(("linear_jtex", "cubic_jtex", "mobius"), (500, (2,)))
KNOWN |= {"gaussian4": (500, (4,)), "saddle": (2_000, (3,))}
SIZES |= {(name, ""): (count, 500, count) for name, (count, _) in KNOWN.items()}
SHAPES |= {name: shape for name, (_, shape) in KNOWN.items()}
# Files in which the writer numbered every image.
NUMBERED = {"mnist", "static_mnist", "omniglot", "caltech101", "freyfaces", "histopathology"}
NUMBERED |= {"npz", "folder"}
OWN = {"npz", "folder", "linear_gaussian", *KNOWN}  # as the user sets them: no facts
NUMBERED_CASES = [case for case in CASES if case[0] in NUMBERED]


def config(name):
    return yaml.safe_load((CONFIGS / "dataset" / f"{name}.yaml").read_text())


def cls(name):
    module, _, class_name = config(name)["_target_"].rpartition(".")
    return getattr(import_module(module), class_name)


def build(name, folder, **settings):
    """The data set as its YAML gives it, over the files in `folder`."""
    arguments = {k: v for k, v in config(name).items() if k not in ("_target_", "defaults")}
    if "data_dir" in arguments:
        arguments["data_dir"] = str(folder)
    if name == "npz":
        arguments["file"] = str(folder / "npz" / "own.npz")
    if name == "folder":
        arguments["folder"] = str(folder / "folder")
    return cls(name)(**arguments | settings)


@pytest.fixture(scope="module")
def loaded(written):
    @cache
    def load(name, protocol):
        settings = {"protocol": protocol} if protocol else {}
        with written(name) as folder:
            dataset = build(name, folder, **settings)
            return dataset, dataset.load()

    return load


def three(splits):
    return (splits.train, splits.valid, splits.test)


def some(split):
    """Every 7th of the first rows, as the network sees them."""
    return split[torch.arange(0, min(len(split), 1000), 7)]


@pytest.mark.parametrize("name", [path.stem for path in YAMLS])
def test_yaml_lists_every_argument_with_its_default(name):
    given = config(name)
    arguments = {k: v for k, v in given.items() if k not in ("_target_", "defaults")}
    parameters = inspect.signature(cls(name)).parameters
    assert list(arguments) == list(parameters)
    for key, value in arguments.items():
        default = parameters[key].default
        if key == "data_dir":
            assert (value, default) == ("${data_dir}", None)
        elif default is inspect.Parameter.empty:
            assert value == "???"
        else:
            assert value == default
            assert type(value) is type(default)


@pytest.mark.parametrize("name", [path.stem for path in YAMLS])
def test_yaml_says_what_it_is_and_names_its_class_by_its_file(name):
    path = CONFIGS / "dataset" / f"{name}.yaml"
    assert re.fullmatch(r"# \S.{20,}", path.read_text().splitlines()[0])
    module, _, class_name = config(name)["_target_"].rpartition(".")
    assert module == f"vaelab.dataset.{name}"
    assert class_name.lower() == name.replace("_", "")
    ((key, likelihood),) = config(name)["defaults"][0].items()
    assert key == "/likelihood@_global_.likelihood"
    assert (CONFIGS / "likelihood" / f"{likelihood}.yaml").is_file()


@pytest.mark.parametrize(("name", "protocol"), CASES)
def test_sizes_and_shapes_are_as_published(loaded, name, protocol):
    dataset, splits = loaded(name, protocol)
    assert tuple(len(split) for split in three(splits)) == SIZES[name, protocol]
    shape = SHAPES.get(name, (1, 28, 28))
    assert dataset.shape == shape
    for split in three(splits):
        assert split.x.shape[1:] == shape
        assert some(split).shape[1:] == shape


@pytest.mark.parametrize(("name", "protocol"), [case for case in CASES if case[0] not in OWN])
def test_facts_agree_with_what_is_loaded(loaded, name, protocol):
    facts = import_module(f"vaelab.dataset.facts.{name}").FACTS
    dataset, splits = loaded(name, protocol)
    assert facts.sizes[protocol] == tuple(len(split) for split in three(splits))
    assert facts.shape == dataset.shape


@pytest.mark.parametrize(("name", "protocol"), CASES)
def test_values_are_what_is_offered(loaded, name, protocol):
    dataset, splits = loaded(name, protocol)
    assert (Trait.IMAGE in dataset.offers) == (len(dataset.shape) == 3)
    assert (Trait.VECTOR in dataset.offers) == (len(dataset.shape) == 1)
    for split in three(splits):
        x = some(split)
        assert x.dtype == torch.float32
        if Trait.UNIT_INTERVAL in dataset.offers:
            assert 0 <= x.min() < x.max() <= 1
        assert (Trait.BINARY in dataset.offers) == bool(((x == 0) | (x == 1)).all())


@pytest.mark.parametrize(("name", "protocol"), CASES)
def test_only_what_is_not_fixed_is_redrawn(loaded, name, protocol):
    dataset, splits = loaded(name, protocol)
    redrawn = [not torch.equal(some(split), some(split)) for split in three(splits)]
    held_out = protocol == "iwae"  # its authors draw validation and test images anew too
    if name == "omniglot_raw":  # the written drawings have few grey pixels
        redrawn = [split.read.__class__.__name__ == "Binarised" for split in three(splits)]
    assert redrawn == [Trait.FIXED not in dataset.offers, held_out, held_out]


@pytest.mark.parametrize(("name", "protocol"), NUMBERED_CASES)
def test_splits_share_no_row_and_lose_none(loaded, writer, name, protocol):
    _, splits = loaded(name, protocol)
    numbers = [writer.numbers(split.x) for split in three(splits)]
    found = [set(part.tolist()) for part in numbers]
    assert [len(part) for part in found] == [len(split) for split in three(splits)]
    assert set.union(*found) == set(range(sum(SIZES[name, protocol])))


@pytest.mark.parametrize(("name", "protocol"), NUMBERED_CASES)
def test_images_stand_upright(loaded, writer, name, protocol):
    _, splits = loaded(name, protocol)
    for split in three(splits):
        x = some(split)[:, 0]
        assert (x[:, *writer.INK] > 0.99).all()
        assert (x[:, *writer.NO_INK] < 0.01).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_same_settings_give_the_same_data(loaded, written, name):
    _, splits = loaded(name, PROTOCOLS.get(name, ("",))[0])
    with written(name) as folder:
        again = build(name, folder).load()
    for one, other in zip(three(splits), three(again), strict=True):
        assert torch.equal(one.x, other.x)
        assert one.read == other.read


SEEDS = [(name, key) for name in NAMES for key in config(name) if key.split("_")[-1] == "seed"]
# The drawings written for it have too few grey pixels for a draw to differ.
SEEDS.remove(("omniglot_raw", "binarise_seed"))


@pytest.mark.parametrize(("name", "seed"), SEEDS)
def test_another_seed_gives_other_data(written, name, seed):
    settings = {"binarise": "fixed"} if name in ("npz", "folder") else {}
    with written(name) as folder:
        one, other = (build(name, folder, **settings, **{seed: s}).load() for s in (1, 2))
    assert not torch.equal(one.valid.x, other.valid.x)


@pytest.mark.parametrize(("name", "protocol"), CASES)
def test_provenance_has_every_choice_with_seeds_filled_in(loaded, name, protocol):
    dataset, _ = loaded(name, protocol)
    provenance = dataset.provenance()
    for key, value in config(name).items():
        if key in ("protocol", "split_seed", "binarise_seed", "binarise", "seed", "sigma", "noise"):
            assert key in provenance
            if value is not None and key != "protocol":
                assert provenance[key] == value
    if protocol:
        assert provenance["protocol"] == protocol
        seeds = {"vampprior": 777, "iwae": None, "savae": 0}
        assert provenance["binarise_seed"] == seeds[protocol]
    yaml.safe_dump(provenance)  # plain types only: it goes into results.json


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_a_protocol_no_paper_uses_is_refused(name, tmp_path):
    with pytest.raises(UserError, match=r"protocol=burda.*protocol=vampprior or protocol=iwae"):
        build(name, tmp_path, protocol="burda")
    with pytest.raises(UserError, match="binarise_seed=3 has no effect"):
        build(name, tmp_path, protocol="iwae", binarise_seed=3)


def test_savae_is_no_protocol_of_mnist(tmp_path):
    with pytest.raises(UserError, match="does not exist for mnist"):
        build("mnist", tmp_path, protocol="savae")


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("static_mnist", (0.05, 0.01)),
        ("mnist", (0.05, 0.01)),
        ("omniglot", (0.05, 0.01)),
        ("caltech101", (0.5, 0.02)),
        ("freyfaces", (0.5, 0.02)),
        ("histopathology", (0.4, 0.05)),
    ],
)
def test_pseudo_inputs_start_as_in_vampprior(name, start):
    assert cls(name).pseudo_inputs == start
