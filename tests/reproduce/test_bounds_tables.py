"""The tables of IWAE and of Tighter bounds say what the notes say, and train what they say."""

import re
from pathlib import Path

import pytest

from vaelab.build import build
from vaelab.composing import groups
from vaelab.composing.compose import Composer
from vaelab.composing.identity import config_hash
from vaelab.composing.validate import validate
from vaelab.reproduce import budget, spec
from vaelab.reproduce.cells import Selection, plan_cells
from vaelab.reproduce.listing import extent
from vaelab.sweeps.plan import check, container

CONFIGS = groups.config_dir()
NOTES = Path(__file__).resolve().parents[3] / "shared" / "papers" / "bounds.md"
MILESTONES = [1, 4, 13, 40, 121, 364, 1093, 3280]


def rows(section):
    """The cells of the first table below a heading, its own heading left out."""
    if not NOTES.is_file():
        pytest.skip("the notes on the papers are not at hand")
    text = NOTES.read_text(encoding="utf-8").split(section, 1)[1].split("\n### ", 1)[0]
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def published(name):
    return {cell.name: cell.published for cell in spec.find("table", name, CONFIGS).cells}


def by_layer(section, columns):
    """{row/column: number} of a table whose rows are layers and k, as our YAMLs name them."""
    found = {}
    for layers, k, *cells in rows(section):
        for (objective, nll, units), value, active in zip(
            columns, cells[::2], cells[1::2], strict=True
        ):
            row = f"l{layers}_{objective}_k{k}"
            found[f"{row}/{nll}"] = float(value)
            *lower, top = active.split("+")
            found[f"{row}/{units}_top"] = float(top)
            found |= {f"{row}/{units}_h1": float(one) for one in lower}
    return found


def test_iwae_table_1_says_what_the_paper_says():
    columns = [
        (objective, data, f"{data}_units")
        for data in ("mnist", "omniglot")
        for objective in ("vae", "iwae")
    ]
    noted = by_layer("### 9.1", columns)
    assert published("iwae_1") == noted
    assert len(noted) == 24 + 24 + 12


def test_iwae_appendix_d_says_what_the_paper_says():
    noted = by_layer("### 9.2", [(one, "nll", "units") for one in ("vae", "iwae")])
    assert published("iwae_d") == noted
    assert len(noted) == 12 + 12 + 6


def test_iwae_table_2_says_what_the_paper_says():
    noted = {}
    for (_, _, *numbers), name in zip(
        rows("### 9.3"), ("vae_then_iwae", "iwae_then_vae"), strict=True
    ):
        first, units, _, second, second_units = numbers
        values = first, units, second, second_units
        keys = ("first", "first_units", "second", "second_units")
        noted |= {f"{name}/{k}": float(v) for k, v in zip(keys, values, strict=True)}
    assert published("iwae_2") == noted


def test_tighter_bounds_table_1_says_what_the_paper_says_and_how_sure_it_is():
    cells = spec.find("table", "tighter_1", CONFIGS).cells
    noted = rows("### 9.4")
    names = ("iwae_64", "log_p", "minus_kl")
    texts = [one for row in noted for one in row[1:]]
    assert [cell.row.name for cell in cells] == [name for name in names for _ in range(8)]
    for cell, text in zip(cells, texts, strict=True):
        assert cell.published == float(text.split()[0]), cell.name
        # "**[R]**" is of the figure, "(+- .07 [R])" of its standard deviation alone.
        if "**[R]**" in text:
            assert cell.certainty.startswith("recalled"), cell.name
            assert cell.band is None, cell.name
        elif "[D" in text:
            assert cell.certainty.startswith("derived"), cell.name
        else:
            assert cell.certainty.startswith("quoted"), cell.name
    values = [cell.published for cell in cells]
    for bound, log_p, kl in zip(values[:8], values[8:16], values[16:], strict=True):
        assert bound - log_p == pytest.approx(kl, abs=0.021)


def planned(name, level="full", **selected):
    selection = Selection(**selected)
    cells = [cell for cell in spec.find("table", name, CONFIGS).cells if cell in selection]
    return plan_cells(cells, budget.find(level, CONFIGS), None, [], Composer())


def run_of(name, row, column):
    ((one,),) = (each.tasks for each in planned(name, rows=[row], columns=[column]))
    return config_hash(one.config)


@pytest.mark.parametrize("name", ["iwae_1", "iwae_d"])
def test_units_come_from_the_run_of_their_nll(name):
    cells = spec.find("table", name, CONFIGS).cells
    data = {"iwae_1": ("mnist", "omniglot"), "iwae_d": ("nll",)}[name]
    runs = {cell.name: sorted(cell.overrides) for cell in cells}
    for cell in cells:
        nll = "nll" if name == "iwae_d" else cell.column.name.partition("_")[0]
        assert runs[cell.name] == runs[f"{cell.row.name}/{nll}"]
        metrics = {"top": "au.levels.0", "h1": "au.levels.1"}
        assert cell.metric == metrics.get(cell.column.name.rpartition("_")[2], "nll")
    # VAE and IWAE with k = 1 are one run.
    distinct = {tuple(sorted(set(one))) for one in runs.values()}
    assert len(distinct) == 10 * len(data)


def test_the_first_stages_of_table_2_are_runs_of_table_1():
    for row, first in (("vae_then_iwae", "l1_vae_k1"), ("iwae_then_vae", "l1_iwae_k50")):
        own = run_of("iwae_1", first, "mnist")
        assert run_of("iwae_2", row, "first") == run_of("iwae_2", row, "first_units") == own
        assert run_of("iwae_2", row, "second") == run_of("iwae_2", row, "second_units") != own


@pytest.mark.parametrize(
    ("cell", "kinds"),
    [("vae_then_iwae/second", ("Elbo", "Iwae")), ("iwae_then_vae/second", ("Iwae", "Elbo"))],
)
def test_the_second_stage_begins_where_the_first_s_schedule_ends(cell, kinds):
    row, _, column = cell.partition("/")
    (one,) = planned("iwae_2", rows=[row], columns=[column])
    config = validate(one.tasks[0].config)
    parts = build(config)
    assert [type(parts.bound.at(e)).__name__ for e in (0, 3279, 3280, 5466)] == [
        kinds[0], kinds[0], kinds[1], kinds[1],
    ]  # fmt: skip
    samples = {"Elbo": 1, "Iwae": 50}
    assert [parts.bound.at(e).num_samples for e in (0, 3280)] == [samples[kind] for kind in kinds]
    rates = [1e-3 * parts.learning_rate.factor(e) for e in (3280, 5466)]
    assert rates == pytest.approx([1e-4, 1e-4])
    assert parts.learning_rate.cut_short(config["epochs"]) == ()


def test_every_column_of_tighter_bounds_has_64_samples_and_four_seeds():
    for one in planned("tighter_1", rows=["iwae_64"]):
        assert [task.config["seed"] for task in one.tasks] == [1, 2, 3, 4]
        check([one.tasks[0]], devices=False)
        assert build(one.tasks[0].config).bound.num_samples == 64
        assert one.tasks[0].config["evaluation"]["block"] == 64


def test_k_is_the_number_of_samples():
    for one in planned("iwae_1", columns=["mnist"]):
        k = int(one.cell.row.name.rpartition("_k")[2])
        check([one.tasks[0]], devices=False)
        bound = build(one.tasks[0].config).bound
        assert bound.num_samples == k
        inside = "iwae" in one.cell.row.name and k > 1
        assert type(bound).__name__ == ("Iwae" if inside else "Elbo")


def preset(name, *words):
    return validate(container(Composer().cells([f"experiment=iwae/{name}", *words])[0]))


@pytest.mark.parametrize("layers", ["one_layer", "two_layer"])
@pytest.mark.parametrize("official", ["", "_official"])
def test_presets_are_the_papers_settings(layers, official):
    """Section 7.1 of the notes."""
    config = preset(layers + official)
    assert (config["epochs"], config["batch_size"], config["patience"]) == (3280, 20, None)
    assert config["select"] == "last"
    assert config["snapshots"] == MILESTONES
    assert config["beta"]["value"] == 1
    parts = build(config)
    assert parts.architecture.latent_dims == ((50,) if layers == "one_layer" else (50, 100))
    assert parts.learning_rate.milestones == MILESTONES
    kind, beta1, digits = ("IwaeAdam", 0.99, 2) if official else ("Adam", 0.9, None)
    assert config["learning_rate"]["digits"] == digits
    for side in ("phi", "theta"):
        node = dict(config["optimizer"][side])
        assert node.pop("_target_").endswith(f".{kind}")
        assert node.pop("weight_decay", 0) == 0
        assert node.pop("batch_size", 20) == 20
        assert node == {"lr": 1e-3, "betas": (beta1, 0.999), "eps": 1e-4}


@pytest.mark.parametrize("layers", ["one_layer", "two_layer"])
def test_the_official_preset_differs_in_the_optimizer_and_the_rounding_alone(layers):
    paper, code = preset(layers), preset(f"{layers}_official")
    for config in (paper, code):
        for name in ("optimizer", "choices"):
            config.pop(name)
        config["learning_rate"].pop("digits")
    assert paper == code


def test_the_truncated_budget_ends_with_a_stage_and_marks_its_results():
    for one in planned("iwae_2", "iwae_364", columns=["first"]):
        assert one.marks == ("budget=iwae_364",)
        config = validate(one.tasks[0].config)
        assert config["epochs"] == 364 == MILESTONES[5]
        cut = build(config).learning_rate.cut_short(364)
        assert cut == ("schedule cut short: 364 of 3280 epochs",)


def test_the_ratios_of_the_figure_are_of_epochs_of_four_runs_of_64_samples():
    figure = spec.find("figure", "tighter_snr", CONFIGS)
    planned = plan_cells(figure.cells, budget.find("full", CONFIGS), None, [], Composer())
    assert all(one.refused is None and len(one.tasks) == 1 for one in planned)
    tasks = [one.tasks[0] for one in planned]
    check(tasks)
    assert len({config_hash(task.config) for task in tasks}) == 4
    assert {build(task.config).bound.num_samples for task in tasks[:8]} == {64}
    assert [task.config["evaluation"]["epoch"] for task in tasks[::8]] == MILESTONES
    assert MILESTONES == tasks[0].config["snapshots"]
    # The runs of the table, where it has them.
    table = spec.find("table", "tighter_1", CONFIGS)
    cells = [one for one in table.cells if one.row.name == "log_p"]
    known = plan_cells(cells, budget.find("full", CONFIGS), [1], [], Composer())
    hashes = {config_hash(one.tasks[0].config) for one in known}
    assert len(hashes & {config_hash(task.config) for task in tasks}) == 3


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("table", "tighter_1", "24 cells in 32 runs"),
        ("table", "iwae_2", "8 cells in 4 runs"),
        ("figure", "tighter_convergence", "120 cells in 5 runs"),
        ("figure", "tighter_snr", "64 cells in 4 runs"),
    ],
)
def test_rows_that_evaluate_the_same_training_are_listed_as_one_run(kind, name, words):
    path = groups.options(kind, groups.config_dir())[name]
    assert extent(spec.read(kind, name, path)) == words
