"""The table of published figures beside ours."""

from vaelab.report.published import figure
from vaelab.report.report import Report
from vaelab.report.shape import finite
from vaelab.report.sheet import Cell, Column, Sheet, word
from vaelab.reproduce.outcome import Outcome
from vaelab.reproduce.pages import words

COLUMNS = (
    Column("table", "setting"),
    Column("cell"),
    Column("metric", tip="with its unit; -nll is the log-likelihood"),
    Column("published", "number"),
    Column(
        "ours", "number", "± is the standard deviation over seeds, or the standard error of one"
    ),
    Column("difference", "number", "ours - published"),
    Column("band", tip="differences that count as reproduced"),
    Column("verdict"),
    Column("measured", usual=""),
)


def published_sheet(report: Report) -> Sheet:
    """A row a cell; as `vaelab table` judges it, of the runs in this report."""
    found = report.published
    rows = [row(one.table.name, one.table.source, one.outcome) for one in found]
    return Sheet(list(COLUMNS), rows, [list(one.members) for one in found])


def row(name: str, source: str, outcome: Outcome) -> list[Cell]:
    """Of one cell."""
    cell = outcome.cell
    kind = {"inside": "good", "outside": "bad"}.get(words.kind(outcome), "")
    return [
        Cell(name, name, source),
        word(figure(cell)),
        word(f"{cell.metric}, {cell.unit}"),
        Cell(words.published(cell), cell.published, words_of(cell.certainty, cell.source)),
        Cell(words.ours(outcome), finite(outcome.mean), words.ours_in_full(outcome)),
        Cell(words.difference(outcome), finite(outcome.difference)),
        word(words.band(cell)),
        Cell(outcome.verdict, outcome.verdict, "", kind),
        word(words.measured(outcome)),
    ]


def words_of(*texts: str) -> str:
    """Those that say something."""
    return "; ".join(text for text in texts if text)
