"""Cells that show what runs took: hours, other costs, and compared with another row."""

import csv
from dataclasses import replace

import pytest

from reproduce.fakes import Line, cell, outcome
from vaelab.cli import main
from vaelab.errors import UserError
from vaelab.reproduce.compared import compared
from vaelab.reproduce.cost import took
from vaelab.reproduce.pages import words
from vaelab.reproduce.spec import read
from vaelab.runs.run import Run

STORED = {
    "cost": {"training_seconds": 9000.0, "seconds": 12345.0, "aggressive_epochs": 4},
    "device": "cpu (x86_64)",
    "labels": ["stand-in"],
}
BASE, OTHER, HOURS = Line("vae", "VAE"), Line("aggressive", "aggressive"), Line("hours", "hours")


def test_hours_are_those_of_updates():
    found = took(STORED, "cost.training_hours", "complete")
    assert found["value"] == 2.5
    assert found["estimator"] == "of training on cpu (x86_64)"
    assert found["labels"] == ("stand-in",)
    assert took(STORED, "cost.aggressive_epochs", "complete")["value"] == 4


def test_a_run_that_is_not_finished_has_no_cost_yet():
    assert took(STORED, "cost.training_hours", "interrupted") == {"status": "interrupted"}


def test_costs_that_there_are_are_named():
    with pytest.raises(UserError, match=r"metric=cost.hours: .* seconds, .*training_hours"):
        took(STORED, "cost.hours", "complete")


def of(row, *values, **said):
    return outcome(*values, of=cell(row, HOURS, metric="cost.training_hours", **said))


def test_relative_is_by_the_mean_over_seeds_of_the_row():
    base = of(BASE, 4.0, 6.0, relative_to="vae", published=1.0, band=None)
    other = of(OTHER, 10.0, 15.0, relative_to="vae", published=2.2, band=(-1, 1))
    alone = of(Line("sa_vae", "SA-VAE"), 7.0, published=None)
    found = compared([base, other, alone])
    assert found[0].values == [0.8, 1.2]
    assert found[1].values == [2.0, 3.0]
    assert found[2].values == [7.0]
    assert (found[1].mean, found[1].inside) == (2.5, True)
    assert words.measured(found[1]).endswith(
        "by the mean of VAE, 5000 samples, 10000 test examples"
    )


def test_above_is_how_far_it_is_from_the_mean_over_seeds_of_the_row():
    base = of(BASE, 20.0, 21.0, above="vae", published=0.0)
    other = of(OTHER, 22.0, 23.0, above="vae", published=2.14, band=(-1, 1))
    found = compared([base, other])
    assert found[0].values == [-0.5, 0.5]
    assert found[1].values == [1.5, 2.5]
    assert (found[1].mean, found[1].se, found[1].inside) == (2.0, None, True)
    assert "above the mean of VAE" in words.measured(found[1])
    missing = compared([of(BASE, None), other])
    assert (missing[1].values, missing[1].status) == ([], "not run")


def test_relative_waits_for_its_row():
    missing = of(BASE, None, relative_to="vae")
    other = of(OTHER, 10.0, relative_to="vae", published=2.2)
    (_, found) = compared([missing, other])
    assert (found.values, found.status, found.finished) == ([], "not run", False)
    refused = replace(of(BASE, relative_to="vae"), refused="there are no data")
    (_, found) = compared([refused, other])
    assert (found.values, found.verdict) == ([], "failed: VAE: there are no data")


def test_a_row_without_a_number_stays_as_it_is():
    base, other = of(BASE, 4.0, relative_to="vae"), of(OTHER, None, relative_to="vae")
    assert compared([base, other])[1].status == "not run"


TEXT = """
title: Times
metric: cost.training_hours
relative_to: vae
columns: {hours: {}, other: {}}
rows: {vae: {}, slow: {}}
cells:
  vae: {hours: 1}
  slow: {hours: 2}
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("relative_to: vae", "relative_to: van", "van is not a row or column; did you mean vae?"),
        ("relative_to: vae", "above: van", "cells.vae.above: van is not a row or column; did you"),
        ("slow: {hours: 2}", "slow: {other: 2}", "cells.vae: other is not a row or column"),
    ],
)
def test_a_row_to_be_relative_to_has_the_cell(tmp_path, old, new, said):
    path = tmp_path / "t.yaml"
    path.write_text(TEXT)
    assert [cell.relative_to for cell in read("table", "t", path).cells] == ["vae", "vae"]
    path.write_text(TEXT.replace(old, new))
    with pytest.raises(UserError) as caught:
        read("table", "t", path)
    assert said in str(caught.value)


TIMES = """# Times, for tests
title: Times
overrides: [epochs=3]
metric: cost.training_hours
unit: hours
columns:
  relative: {relative_to: plain}
  hours: {}
  nothing: {metric: cost.nothing}
rows: {plain: {}, vamp: {overrides: [prior=vamp]}}
cells:
  plain: {relative: 1, hours: null}
  vamp: {relative: 2, hours: null, nothing: null}
"""


def test_a_table_shows_what_its_runs_took(tiny):
    (tiny / "configs" / "table" / "times.yaml").write_text(TIMES)
    assert main(["reproduce", "table=tiny", "rows=plain,vamp", "seeds=1"]) == 0
    wrote(tiny, "standard", 7200.0)
    assert main(["table", "times"]) == 0
    found = cells(tiny)
    assert (found["plain/hours"]["ours"], found["plain/relative"]["ours"]) == ("2.0", "1.0")
    assert "metric=cost.training_hours: the run's" in found["vamp/relative"]["verdict"]
    wrote(tiny, "vamp", 10_800.0)
    main(["table", "times"])
    found = cells(tiny)
    assert (found["vamp/hours"]["ours"], found["vamp/relative"]["ours"]) == ("3.0", "1.5")
    assert "metric=cost.nothing: the run's costs are" in found["vamp/nothing"]["verdict"]


def wrote(lab, prior, seconds):
    """As if the run of this prior had taken so long."""
    (path,) = (lab / "outputs").rglob(f"*-{prior}-*/*/*/results.json")
    Run(path.parent).update(cost={"training_seconds": seconds})


def cells(lab):
    with (lab / "outputs/tables/times/full/table.csv").open() as file:
        return {f"{row['row']}/{row['column']}": row for row in csv.DictReader(file)}
