"""The table on the terminal: one line a cell."""

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from vaelab.reporting.summary import make_console
from vaelab.reproduce.outcome import Outcome, Report
from vaelab.reproduce.pages import words
from vaelab.reproduce.pages.legend import Legend

COLOURS = {"inside": "green", "outside": "red", "unjudged": "yellow", "open": "", "quoted": ""}


def show(report: Report) -> None:
    """Print it, with what it is and how it was measured below."""
    console = make_console()
    legend = Legend(report)
    console.print(lines(report, legend))
    facts = legend.facts()
    if len(legend.measures) > 1:
        facts += [(letter, text) for text, letter in legend.measures.items()]
    facts += [(sign, reason) for reason, sign in legend.signs.items()]
    facts += [("note", note) for note in legend.notes()]
    for name, text in facts:
        console.print(f"[bold]{escape(name)}[/bold]: {escape(text)}")
    for line in legend.left_out():
        console.print(escape(line))
    for fault in legend.faults():
        console.print(escape(fault), style="red")
    if legend.warning:
        console.print(escape(legend.warning), style="bold yellow")


def lines(report: Report, legend: Legend) -> Table:
    """One line a cell, under its row's name; with one column, behind it."""
    title = escape(report.table.title)
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    table.padding, table.pad_edge = (0, 1, 0, 0), False  # for 100 columns
    table.add_column("")
    for name in ("ours",) if legend.claim else ("published", "ours", "difference", "band"):
        table.add_column(name, justify="right", no_wrap=True)
    if len(legend.measures) > 1:
        table.add_column("how")
    table.add_column("verdict", no_wrap=True)
    before, one_column = None, len(report.table.columns) == 1
    for outcome in report.outcomes:
        row = outcome.cell.row
        if before != row.name and not one_column:
            table.add_row(escape(legend.row(row)), style="bold")
        unit = legend.cell_unit(outcome)
        column = f"  {outcome.cell.column.label}" + (f" ({unit})" if unit else "")
        name = legend.row(row) if one_column else column
        table.add_row(
            escape(name), *_line(outcome, legend), style="dim" if outcome.cell.quoted else ""
        )
        before = row.name
    return table


def _line(outcome: Outcome, legend: Legend) -> list[str]:
    """What follows its name."""
    cell, spread = outcome.cell, legend.spread(outcome)
    ours = words.ours(outcome) + (f" ({spread})" if spread else "")
    texts = [words.published(cell), ours, words.difference(outcome), words.band(cell)]
    texts = [ours] if legend.claim else texts
    texts += [legend.letter(outcome)] if len(legend.measures) > 1 else []
    # The column is narrow: its signs and reasons are below.
    verdict = f"{words.state(outcome).removesuffix(' the band')} {legend.sign(outcome)}"
    colour = COLOURS[words.kind(outcome)]
    shown = escape(verdict.rstrip())
    return [*map(escape, texts), f"[{colour}]{shown}[/{colour}]" if colour else shown]
