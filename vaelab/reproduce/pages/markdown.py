"""The table as Markdown: the paper's layout, then one line a cell, then notes."""

import os
import re
from pathlib import Path
from urllib.parse import quote

from vaelab.reproduce.outcome import Outcome, Report, Trained
from vaelab.reproduce.pages import words
from vaelab.reproduce.pages.legend import Legend

LIST = (
    "row", "column", "published", "certainty", "ours", "difference", "band", "verdict", "status",
    "measured", "runs", "command",
)  # fmt: skip
OF_PUBLISHED = {"published", "certainty", "difference", "band"}  # of LIST; a claim has none


def text(report: Report, folder: Path, drawn: Path | None) -> str:
    """The page; links are relative to `folder`, where `drawn` lies too."""
    legend = Legend(report)
    parts = [f"# {escape(report.table.title)}"]
    parts += [f"> **{escape(legend.warning)}**"] if legend.warning else []
    parts += [_provenance(report, legend)]
    parts += [f"![{escape(report.table.title)}]({drawn.name})"] if drawn else []
    parts += [f"![{_diagnosis(report)}]({_link(path, folder)})" for path in report.pictures]
    parts += [_table(layout(report, legend)), *_legend(legend)]
    parts += ["## Cells", _table(_list(report, legend, folder))]
    if notes := legend.notes():
        parts += ["## Notes", "\n".join(f"- {escape(note)}" for note in notes)]
    return "\n\n".join(parts) + "\n"


def layout(report: Report, legend: Legend) -> list[list[str]]:
    """As the paper prints it, each cell `ours ± s (published)`."""
    columns = report.table.columns.values()
    rows = [["", *(escape(column.label) for column in columns)]]
    for row in report.table.rows.values():
        found = [report.at(row.name, column.name) for column in columns]
        cells = ["" if outcome is None else _cell(outcome, legend) for outcome in found]
        rows.append([escape(legend.row(row)), *cells])
    return rows


def escape(text: str) -> str:
    """Text that Markdown shows as it is, in a table too."""
    return re.sub(r"([\\`*_{}\[\]<>|#~$&])", r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """Text between backticks, more of them than it has in a row itself."""
    runs = [len(found) for found in re.findall("`+", text)]
    fence = "`" * (max(runs, default=0) + 1)
    pad = " " if runs else ""
    line = " ".join(text.split()).replace("|", "\\|")  # a table's cells end at a bare one
    return f"{fence}{pad}{line}{pad}{fence}"


def _cell(outcome: Outcome, legend: Legend) -> str:
    unit, spread = legend.cell_unit(outcome), legend.spread(outcome)
    shown = words.ours(outcome) + (f" {spread}" if spread else "")
    shown = escape(shown or words.state(outcome))
    if words.kind(outcome) == "inside":
        shown = f"**{shown}**"
    shown += legend.sign(outcome)
    shown += f" ({words.published(outcome.cell)})" if outcome.cell.published is not None else ""
    return shown + (f" {escape(unit)}" if unit else "")


def _provenance(report: Report, legend: Legend) -> str:
    facts = [f"{name}: {escape(text)}." for name, text in legend.facts()]
    made = f"Made on {report.made.isoformat()} by {escape(words.version(report))} with"
    return " ".join(fact[0].upper() + fact[1:] for fact in facts) + (
        f" {made} {code(report.command)}."
    )


def _legend(legend: Legend) -> list[str]:
    lines = ["ours ± spread (published); **bold**: inside the band"]
    lines = ["ours ± spread"] if legend.claim else lines
    lines += [f"{sign} {escape(reason)}: not judged" for reason, sign in legend.signs.items()]
    return ["  \n".join(lines)]


def _list(report: Report, legend: Legend, folder: Path) -> list[list[str]]:
    rows: list[list[str]] = [[*LIST]]
    for outcome in report.outcomes:
        cell = outcome.cell
        unit = f" {cell.unit}" if legend.unit is None else ""
        texts = [
            cell.row.label,
            cell.column.label,
            words.published(cell) and words.published(cell) + unit,
            words.about(report, cell),
            words.ours_in_full(outcome) + legend.sign(outcome),
            words.difference(outcome),
            words.band(cell),
            outcome.verdict,
            outcome.status if outcome.wanted and not outcome.refused else "",
            words.measured(outcome),
        ]
        runs = ", ".join(_run(run, folder) for run in outcome.runs)
        commands = "<br>".join(code(run.command) for run in outcome.runs)
        rows.append([*map(escape, texts), runs, commands])
    if not legend.claim:
        return rows
    kept = [at for at, name in enumerate(LIST) if name not in OF_PUBLISHED]
    return [[row[at] for at in kept] for row in rows]


def _diagnosis(report: Report) -> str:
    return escape(f"diagnosis {report.table.diagnosis.name}" if report.table.diagnosis else "")


def _link(path: Path, folder: Path) -> str:
    return quote(Path(os.path.relpath(path, folder)).as_posix())


def _run(run: Trained, folder: Path) -> str:
    """A link where there is something to find."""
    if not run.folder.is_dir():
        return f"seed {run.seed}"
    return f"[seed {run.seed}]({_link(run.folder, folder)})"


def _table(rows: list[list[str]]) -> str:
    rule = ["---", *("--:" for _ in rows[0][1:])] if rows[0][0] == "" else ["---"] * len(rows[0])
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [rows[0], rule, *rows[1:]])
