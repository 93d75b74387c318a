"""The table as one HTML page: the paper's layout, and behind each cell its runs and figures."""

import os
from html import escape
from pathlib import Path
from urllib.parse import quote

from vaelab.reproduce.outcome import Outcome, Report
from vaelab.reproduce.pages import words
from vaelab.reproduce.pages.html_cell import NOTHING, details, identity, pairs
from vaelab.reproduce.pages.legend import Legend

STYLE = Path(__file__).with_name("page.css")
HEAD = (
    '<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
)
AS_PUBLISHED = (
    "As published",
    "ours ± spread, the published figure in parentheses; a number leads to its runs",
)
CLAIMED = "Our runs", "mean ± spread; a number leads to its runs"


def text(report: Report, folder: Path, drawn: Path | None, copies: dict[Path, list[Path]]) -> str:
    """The page, which lies in `folder` beside `drawn` and `copies`."""
    legend = Legend(report)
    title = escape(report.table.title)
    parts = [f"<h1>{title}</h1>"]
    if legend.warning:
        parts.append(f'<p class="warning" role="note">{escape(legend.warning)}</p>')
    parts.append(pairs([*legend.facts(), *_provenance(report)]))
    if drawn:
        picture = f'<img src="{escape(drawn.name)}" alt="{title}">'
        parts.append(f'<figure class="drawn">{picture}</figure>')
    parts += [_picture(path, report, folder) for path in report.pictures]
    what, how = CLAIMED if legend.claim else AS_PUBLISHED
    parts += [f"<h2>{what}</h2>", f"<p>{how}.</p>", _layout(report, legend)]
    if legend.signs:
        signs = [(sign, f"{reason}: not judged") for reason, sign in legend.signs.items()]
        parts.append(pairs(signs))
    if notes := legend.notes():
        items = "".join(f"<li>{escape(note)}</li>" for note in notes)
        parts.append(f"<h2>Notes</h2>\n<ul>{items}</ul>")
    parts += ["<h2>Cells</h2>", *_cells(report, legend, folder, copies)]
    style = f"<style>\n{STYLE.read_text(encoding='utf-8')}</style>"
    head = f"<head>\n{HEAD}<title>{title}</title>\n{style}\n</head>"
    body = "<body>\n" + "\n".join(parts) + "\n</body>"
    return f'<!DOCTYPE html>\n<html lang="en">\n{head}\n{body}\n</html>\n'


def _picture(path: Path, report: Report, folder: Path) -> str:
    """One of the table's diagnosis."""
    about = f"diagnosis {report.table.diagnosis.name}" if report.table.diagnosis else ""
    source = escape(quote(Path(os.path.relpath(path, folder)).as_posix()))
    return f'<figure class="drawn"><img src="{source}" alt="{escape(about)}"></figure>'


def _provenance(report: Report) -> list[tuple[str, str]]:
    made = f"{report.made.isoformat()}, {words.version(report)}"
    return [("made", made), ("command", report.command)]


def _layout(report: Report, legend: Legend) -> str:
    columns = report.table.columns.values()
    labels = "".join(f'<th scope="col">{escape(column.label)}</th>' for column in columns)
    rows = [f"<thead><tr><td></td>{labels}</tr></thead>", "<tbody>"]
    for row in report.table.rows.values():
        found = [report.at(row.name, column.name) for column in columns]
        cells = "".join("<td></td>" if one is None else _number(one, legend) for one in found)
        rows.append(f'<tr><th scope="row">{escape(legend.row(row))}</th>{cells}</tr>')
    rows.append("</tbody>")
    lines = "\n".join(rows)
    return f'<div class="scroll" tabindex="0"><table class="layout">\n{lines}\n</table></div>'


def _number(outcome: Outcome, legend: Legend) -> str:
    """One cell; what colour says is said in words too."""
    unit, spread = legend.cell_unit(outcome), legend.spread(outcome)
    ours = " ".join(text for text in (words.ours(outcome), spread, unit) if text) or NOTHING
    published = words.published(outcome.cell)
    state = f"{words.state(outcome)} {legend.sign(outcome)}".strip()
    return (
        f'<td class="{words.kind(outcome)}" title="{escape(outcome.verdict)}">'
        f'<a href="#{identity(outcome)}">{escape(ours)}</a>'
        + (f'<span class="published">({escape(published)})</span>' if published else "")
        + f'<span class="state">{escape(state)}</span></td>'
    )


def _cells(
    report: Report, legend: Legend, folder: Path, copies: dict[Path, list[Path]]
) -> list[str]:
    """Everything of every cell, folded, by row."""
    parts = []
    for row in report.table.rows.values():
        own = [outcome for outcome in report.outcomes if outcome.cell.row.name == row.name]
        if own:
            parts.append(f"<h3>{escape(legend.row(row))}</h3>")
            parts += [details(one, report, legend, folder, copies) for one in own]
    return parts
