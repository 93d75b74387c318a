"""One cell on the HTML page: a line that unfolds into its seeds, commands and figures."""

import os
from html import escape
from pathlib import Path
from urllib.parse import quote

from vaelab.composing.spelling import duration
from vaelab.reproduce.outcome import Outcome, Report, Trained
from vaelab.reproduce.pages import words
from vaelab.reproduce.pages.legend import Legend

NOTHING = "-"  # in place of our number


def identity(outcome: Outcome) -> str:
    """What links on the page lead to: another for every cell, of letters that need no escape."""
    row, column = (quote(line.name, safe="") for line in (outcome.cell.row, outcome.cell.column))
    return f"cell-{row}/{column}".replace("%", ":")


def pairs(facts: list[tuple[str, str]]) -> str:
    """Names and texts."""
    items = "\n".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in facts)
    return f"<dl>\n{items}\n</dl>"


def details(
    outcome: Outcome, report: Report, legend: Legend, folder: Path, copies: dict[Path, list[Path]]
) -> str:
    """The folded line and what is in it."""
    cell = outcome.cell
    ours = words.ours_in_full(outcome) or NOTHING
    state = escape(f"{words.state(outcome)} {legend.sign(outcome)}".strip())
    line = (
        f"<summary><b>{escape(cell.column.label)}</b> {escape(ours)} "
        f'<span class="state {words.kind(outcome)}">{state}</span></summary>'
    )
    facts = [
        ("ours", f"{words.ours_in_full(outcome)} {cell.unit}" if outcome.values else ""),
        ("published", words.published(cell) and f"{words.published(cell)} {cell.unit}"),
        ("published as", words.about(report, cell)),
        ("difference", words.difference(outcome)),
        ("band", words.band(cell)),
        ("verdict", outcome.verdict),
        ("status", outcome.status if outcome.wanted and not outcome.refused else ""),
        ("measured", words.measured(outcome)),
        ("note", cell.note or ""),
    ]
    runs = [_run(run, cell.digits, folder) for run in outcome.runs]
    figures = [_figures(outcome, run, copies.get(run.folder, [])) for run in outcome.runs]
    inside = "\n".join([pairs([fact for fact in facts if fact[1]]), *_table(runs), *figures])
    return f'<details id="{identity(outcome)}">\n{line}\n{inside}\n</details>'


def _table(rows: list[str]) -> list[str]:
    names = ("seed", "value", "status", "epochs", "time", "labels", "command")
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    lines = "\n".join(rows)
    table = f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{lines}\n</tbody>\n</table>"
    return [f'<div class="scroll" tabindex="0">{table}</div>'] if rows else []


def _run(run: Trained, digits: int, folder: Path) -> str:
    about = f" ± {words.number(run.se, digits)} (se)" if run.se is not None else ""
    value = "" if run.value is None else words.number(run.value, digits) + about
    why = f": {run.reason}" if run.reason else ""
    path = quote(Path(os.path.relpath(run.folder, folder)).as_posix())
    seed = f'<a href="{escape(path)}">{run.seed}</a>' if run.folder.is_dir() else str(run.seed)
    texts = [
        value,
        f"{run.status}{why}",
        "" if run.epochs is None else str(run.epochs),
        "" if run.seconds is None else duration(run.seconds),
        ", ".join(run.labels),
    ]
    cells = "".join(f"<td>{escape(text)}</td>" for text in texts)
    return f"<tr><td>{seed}</td>{cells}<td><code>{escape(run.command)}</code></td></tr>"


def _figures(outcome: Outcome, run: Trained, paths: list[Path]) -> str:
    parts = []
    for path in paths:
        what = path.stem.partition("-")[2].replace("_", " ")
        where = f"{outcome.cell.row.label}, {outcome.cell.column.label}, seed {run.seed}"
        address = escape(quote(path.as_posix()))
        image = f'<img loading="lazy" src="{address}" alt="{escape(f"{what}: {where}")}">'
        caption = f"<figcaption>{escape(what)}, seed {run.seed}</figcaption>"
        parts.append(f"<figure>{image}{caption}</figure>")
    return f'<div class="figures">{"".join(parts)}</div>' if parts else ""
