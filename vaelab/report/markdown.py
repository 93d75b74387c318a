"""The report as Markdown: over seeds, every run, published figures, and how each run is made."""

from vaelab.report.measures import lines
from vaelab.report.published_sheet import published_sheet
from vaelab.report.report import Report
from vaelab.report.run_sheet import run_sheet
from vaelab.report.seed_sheet import seed_sheet
from vaelab.report.sheet import Sheet
from vaelab.reproduce.pages.markdown import code, escape

MARK = "<!-- vaelab report -->"
RUN_NOTE = "± is the standard error over examples."
SEED_NOTE = "± is the standard deviation over seeds; a single seed has none."


def text(report: Report) -> str:
    """The page."""
    parts = [MARK, f"# {len(report.records)} runs"]
    parts += [
        f"Made {report.made:%Y-%m-%d} by {escape(report.version)} with {code(report.command)}."
    ]
    parts += [escape(f"Evaluation: {report.evaluation}."), *map(escape, report.notes)]
    parts += ["## Over seeds", SEED_NOTE, table(seed_sheet(report))]
    parts += ["## Runs", RUN_NOTE, table(run_sheet(report))]
    if report.published:
        parts += ["## Beside published figures", table(published_sheet(report))]
    said = [(one.name, one.reason) for one in report.records if one.reason]
    if said:
        lines = [f"- {escape(name)}: {escape(reason)}" for name, reason in said]
        parts += ["## Why runs stopped", "\n".join(lines)]
    commands = [
        f"- {escape(one.name)}: {code(one.command)}" for one in report.records if one.command
    ]
    parts += ["## Commands", "\n".join(commands)]
    return "\n\n".join(part for part in parts if part) + "\n"


def table(sheet: Sheet) -> str:
    """The columns that are shown; numbers to the right."""
    shown = sheet.without_hidden()
    head = [escape(column.name) for column in shown.columns]
    rule = ["--:" if column.role == "number" else "---" for column in shown.columns]
    rows = [[escape(cell.text) + raised(cell.letter) for cell in row] for row in shown.rows]
    table = "\n".join("| " + " | ".join(cells) + " |" for cells in [head, rule, *rows])
    below = [raised(letter) + escape(text) for letter, text in lines(shown.notes)]
    return "\n\n".join([table, *below])


def raised(letter: str) -> str:
    """That leads to a note."""
    return f"<sup>{letter}</sup>" if letter else ""
