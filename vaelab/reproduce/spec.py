"""A published table or figure as data: what is run for each cell, and what the paper says it is.

A YAML in configs/table or configs/figure. Settings of the table hold for all cells; a column's, a
row's and a cell's own go before them, in this order. Overrides add up.

One in configs/claim is a table of our own runs alone, which a published sentence is held against.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from vaelab.composing import groups
from vaelab.composing.settings import shown
from vaelab.composing.spelling import nearest
from vaelab.composing.typed import mismatch
from vaelab.errors import UserError

KINDS = groups.TABLES
# What may be said of all cells, of a row's or a column's, or of one.
COMMON: dict[str, Any] = {
    "overrides": list[str],
    "metric": str,
    "unit": str,
    "digits": int,
    "seeds": list[int],
    "band": tuple[float, float] | None,
    "source": str,
    "certainty": str,
    "note": str | None,
    "quoted": bool,
    "relative_to": str | None,
    "above": str | None,
}
LINE = COMMON | {"label": str, "legend": str, "x": float}
CELL = COMMON | {"published": float | None, "published_sd": float | None}
TABLE = COMMON | {
    "title": str,
    "rows": dict,
    "columns": dict,
    "cells": dict,
    "cost": str,
    "notes": list[str],
    "plots": list[dict],
    "diagnosis": dict,
}
PLOT = {"title": str, "columns": list[str], "x": str, "y": str, "log_x": bool}
DIAGNOSIS = {"name": str, "settings": list[str]}
DEFAULTS: dict[str, Any] = {
    "metric": "-nll",
    "unit": "nats",
    "digits": 2,
    "seeds": [1],
    "source": "",
    "certainty": "",
    "quoted": False,
} | dict.fromkeys(("band", "note", "relative_to", "above"))


@dataclass(frozen=True)
class Line:
    """A row or a column.

    Attributes:
        label: on pages; no other row, or column, has it.
        x: a row's place on a figure's axis; None: a line across it.
        legend: a column's name in a plot, whose title may say the rest of the label; None: that.
    """

    name: str
    label: str
    x: float | None = None
    legend: str | None = None


@dataclass(frozen=True)
class Cell:
    """One number of the table.

    Attributes:
        published: the paper's, None where it prints none.
        overrides: of `vaelab train`; a seed is added to them.
        quoted: the number is repeated from the paper and nothing is run for it.
        metric: of the test split in results.json, such as "nll" or "au.levels.0"; "-nll" is its
            negative; "cost.training_hours" is what the run took.
        band: least and greatest `ours - published` that counts as reproduced; None: not judged.
        certainty: how sure the published figure is, in words.
        published_sd: the standard deviation that is printed with it; never part of a judgement.
        relative_to: the row in units of whose mean, in the same column, it is; None: as it is.
        above: the row whose mean, in the same column, is subtracted; None: as it is.
    """

    row: Line
    column: Line
    published: float | None
    overrides: list[str]
    quoted: bool
    metric: str
    unit: str
    digits: int
    seeds: list[int]
    band: tuple[float, float] | None
    source: str
    certainty: str
    note: str | None
    published_sd: float | None = None
    relative_to: str | None = None
    above: str | None = None

    @property
    def name(self) -> str:
        """As "static_mnist/vae_vamp"."""
        return f"{self.row.name}/{self.column.name}"


@dataclass(frozen=True)
class Plot:
    """One pair of axes of a figure: columns as lines over the rows' `x`."""

    title: str
    columns: list[str]
    x: str
    y: str
    log_x: bool


@dataclass(frozen=True)
class Diagnosis:
    """A diagnosis of all finished runs of a table, with settings as `vaelab diagnose` has them."""

    name: str
    settings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Table:
    """A table or a figure of a paper; `cells` by row, then column, in the order of the YAML.

    Attributes:
        kind: "table", "figure", or "claim": a sentence of a paper, of which no number is shown.
        cost: what all of it takes, measured, in words.
    """

    name: str
    kind: str
    title: str
    source: str
    rows: dict[str, Line]
    columns: dict[str, Line]
    cells: list[Cell]
    cost: str = ""
    notes: list[str] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)
    diagnosis: Diagnosis | None = None


def find(kind: str, name: str, *folders: Path) -> Table:
    """The table (or figure, or claim) of this name.

    Raises:
        UserError: there is none, or its YAML is wrong.
    """
    known = groups.options(kind, *folders)
    if name not in known:
        raise UserError(f"{kind}={name}: no such {kind}{nearest(name, list(known))}")
    return read(kind, name, known[name])


def read(kind: str, name: str, path: Path) -> Table:
    """A table from its YAML.

    Raises:
        UserError: it says something unknown, of a wrong type, or of a row that does not exist.
    """
    given = read_yaml(path)
    check(path, "", given, TABLE)
    for key in ("title", "rows", "columns", "cells"):
        if key not in given:
            raise UserError(f"{path}: {key} is missing")
    for key in ("rows", "columns", "cells"):
        given[key] = {str(name): own for name, own in given[key].items()}  # "1:" is a number
    rows = _lines(path, "rows", given["rows"])
    columns = _lines(path, "columns", given["columns"])
    cells = []
    for row, entries in given["cells"].items():
        _known(path, "cells", row, rows)
        if not isinstance(entries, dict):
            raise UserError(f"{path}: cells.{row}: must map columns to what is published")
        for key, entry in entries.items():
            column, place = str(key), f"cells.{row}"
            _known(path, place, column, columns)
            own = entry if isinstance(entry, dict) else {"published": entry}
            check(path, f"{place}.{column}", own, CELL)
            layers = [given, given["columns"][column], given["rows"][row], own]
            cells.append(_cell(rows[row], columns[column], layers))
    for cell in cells:
        if kind == "claim" and (cell.published is not None or cell.quoted or cell.band):
            raise UserError(
                f"{path}: cells.{cell.row.name}.{cell.column.name}: a claim is tested on our own "
                "runs: it has no published or quoted figure and no band"
            )
        for key, other in (("relative_to", cell.relative_to), ("above", cell.above)):
            if other is not None:
                _known(path, f"cells.{cell.row.name}.{key}", other, given["cells"])
                _known(path, f"cells.{other}", cell.column.name, given["cells"][other])
    plots = []
    for number, plot in enumerate(given.get("plots", [])):
        check(path, f"plots.{number}", plot, PLOT)
        if missing := [key for key in PLOT if key not in plot and key != "log_x"]:
            raise UserError(f"{path}: plots.{number}.{missing[0]} is missing")
        for column in plot.get("columns", []):
            _known(path, f"plots.{number}", column, columns)
        plots.append(Plot(**{"log_x": False} | plot))
    across, down = list(rows), list(columns)
    cells.sort(key=lambda cell: (across.index(cell.row.name), down.index(cell.column.name)))
    return Table(
        name=name,
        kind=kind,
        title=given["title"],
        source=given.get("source", ""),
        rows=rows,
        columns=columns,
        cells=cells,
        cost=given.get("cost", ""),
        notes=given.get("notes", []),
        plots=plots,
        diagnosis=_diagnosis(path, given.get("diagnosis")),
    )


def read_yaml(path: Path) -> Any:
    """What a YAML holds.

    Raises:
        UserError: it cannot be parsed; one line that says where.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise UserError(f"{path}: {' '.join(str(error).split())}") from error


def check(path: Path, where: str, given: object, known: Mapping[str, Any]) -> None:
    """Refuse a key that means nothing here, or a value of a wrong type."""
    start = f"{path}: {where}." if where else f"{path}: "
    if not isinstance(given, dict):
        raise UserError(f"{start.rstrip('. ')}: must be a mapping of names to values")
    for key, value in given.items():
        if key not in known:
            raise UserError(f"{start}{key}: no such setting{nearest(str(key), list(known))}")
        fault = mismatch(value, known[key]) or _senseless(key, value)
        if fault:
            raise UserError(f"{start}{key}={shown(value)}: {fault}")


def _senseless(key: str, value: Any) -> str:
    """What is wrong with a value of the right type; empty if nothing is."""
    if isinstance(value, list) and key == "seeds":
        if not value or min(value) < 0:
            return "must be whole numbers of at least 0, one or more"
        return "must differ from each other" if len(set(value)) < len(value) else ""
    if key == "band" and value is not None and not value[0] <= value[1]:
        return "must be the least, then the greatest difference"
    negative = key == "digits" and isinstance(value, int) and value < 0
    return "must be 0 or more" if negative else ""


def _lines(path: Path, where: str, given: Mapping[str, Any]) -> dict[str, Line]:
    lines: dict[str, Line] = {}
    named: dict[str, str] = {}
    for name, own in given.items():
        check(path, f"{where}.{name}", own, LINE)
        line = lines[name] = Line(name, own.get("label", name), own.get("x"), own.get("legend"))
        if (other := named.setdefault(line.label, name)) != name:
            raise UserError(
                f"{path}: {where}.{name}.label={shown(line.label)}: {other} has it already; pages "
                "tell them apart by it (a plot's key may be shorter: legend)"
            )
    return lines


def _diagnosis(path: Path, given: Any) -> Diagnosis | None:
    if given is None:
        return None
    check(path, "diagnosis", given, DIAGNOSIS)
    if "name" not in given:
        raise UserError(f"{path}: diagnosis.name is missing")
    return Diagnosis(**given)


def _known(path: Path, where: str, name: str, lines: Mapping[str, Line]) -> None:
    if name not in lines:
        raise UserError(f"{path}: {where}: {name} is not a row or column{nearest(name, lines)}")


def _cell(row: Line, column: Line, layers: list[dict[str, Any]]) -> Cell:
    """The last layer that says something of a setting decides it."""
    said = {key: layer[key] for layer in layers for key in DEFAULTS if key in layer}
    settled = DEFAULTS | said
    if settled["band"] is not None:
        settled["band"] = tuple(settled["band"])
    overrides = [text for layer in layers for text in layer.get("overrides", [])]
    figures = {key: layers[-1].get(key) for key in ("published", "published_sd")}
    return Cell(row, column, overrides=overrides, **figures, **settled)
