import json

import pytest

from report import made_up
from vaelab.composing import groups
from vaelab.composing.compose import Composer
from vaelab.errors import UserError
from vaelab.files import write_yaml
from vaelab.report.likely import demanded, possible
from vaelab.report.published import beside
from vaelab.report.record import read
from vaelab.report.settings import flat
from vaelab.reproduce import budget as budgets
from vaelab.reproduce import spec
from vaelab.reproduce.cells import EVALUATION, task_for

FOLDERS = (groups.config_dir(),)


@pytest.fixture(scope="module")
def planned():
    """The task of the first seed of a cell, as `vaelab reproduce` plans it."""
    composer, known = Composer(), {}

    def task(cell, *more):
        full = budgets.find(budgets.FULL, *FOLDERS)
        return task_for((EVALUATION, *cell.overrides, *more, "seed=1"), full, composer, known)

    return task


def cell_of(name, row, column):
    table = spec.find("table", name, *FOLDERS)
    return next(one for one in table.cells if one.name == f"{row}/{column}")


def trained(folder, task, seed, nll, **results):
    """A run of a task whose test NLL is known."""
    made_up.write(folder / f"seed{seed}", metrics={"test": made_up.measured(nll)}, **results)
    write_yaml(folder / f"seed{seed}/config.yaml", {**task.config, "seed": seed})
    return read(folder / f"seed{seed}")


def test_a_run_of_a_cell_stands_beside_the_published_figure(tmp_path, planned):
    cell = cell_of("vampprior_1", "static_mnist", "vae_standard")
    assert (cell.metric, cell.published, len(cell.seeds)) == ("-nll", -88.56, 1)
    task = planned(cell)
    found = [trained(tmp_path / "a", task, 1, 88.0), read(made_up.write(tmp_path / "b/seed1"))]
    (one,) = beside(found, None)
    assert one.table.name == "vampprior_1"
    assert one.outcome.cell == cell
    assert one.members == (0,)
    assert one.outcome.difference == pytest.approx(0.56)
    assert beside(found, ["lagging_image"]) == []


def test_other_settings_labels_or_evaluations_are_not_the_papers(tmp_path, planned):
    cell = cell_of("vampprior_1", "static_mnist", "vae_standard")
    task, short = planned(cell), planned(cell, "epochs=3")
    quick = json.loads(json.dumps(task.config))
    quick["evaluation"]["samples"] = 10
    labelled = trained(tmp_path / "a", task, 1, 88.0, labels=["stand-in"])
    assert beside([labelled, trained(tmp_path / "b", short, 1, 88.0)], ["vampprior_1"]) == []
    other = made_up.write(tmp_path / "c/seed1", metrics={"test": made_up.measured(88.0)})
    write_yaml(other / "config.yaml", quick)
    (one,) = beside([read(other)], ["vampprior_1"])
    assert one.outcome.values == []  # it is named, but its number is no one's to compare
    assert one.outcome.verdict == "not evaluated"


def test_a_table_that_is_not_there_is_named():
    with pytest.raises(UserError, match="tables=vampprior: no such table; did you mean vampprior_"):
        beside([], ["vampprior"])


def cells():
    """Every cell with a published figure, one of each different overrides."""
    found = {}
    for kind in ("table", "figure"):
        for name in groups.options(kind, *FOLDERS):
            for cell in spec.find(kind, name, *FOLDERS).cells:
                if cell.published is not None and not cell.quoted:
                    found.setdefault(tuple(cell.overrides), cell)
    return list(found.values())


@pytest.mark.slow
def test_no_run_of_a_cell_is_ruled_out_by_its_words(planned):
    for cell in cells()[::4]:
        task = planned(cell)
        if not isinstance(task, UserError):
            words = demanded(cell.overrides, FOLDERS)
            assert possible(words, flat(task.config)), (cell.name, words)


def test_words_rule_out_other_runs_and_not_their_own(planned):
    own, other = (cell_of("vampprior_1", row, "vae_vamp") for row in ("omniglot", "caltech101"))
    settings = flat(planned(own).config)
    assert possible(demanded(own.overrides, FOLDERS), settings)
    assert not possible(demanded(other.overrides, FOLDERS), settings)


def test_what_a_preset_sets_below_a_group_falls_with_its_choice():
    words = demanded(["beta=constant", "experiment=vampprior/vae", "seed=4"], FOLDERS)
    assert words["beta"] == "constant"
    assert words["optimizer.phi"] == "normalised_adam"
    assert words["epochs"] == "2000"
    assert not [name for name in words if name.startswith("beta.") or name == "seed"]
