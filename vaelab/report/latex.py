r"""The report's tables for a paper; a document needs \usepackage{booktabs} and nothing else.

They fit the lines of an article: of more columns than that there are several tables, and what is
words (why a run failed, labels) stands below them as notes of numbered rows.
"""

from collections.abc import Iterator, Sequence

from vaelab.report import tex
from vaelab.report.markdown import RUN_NOTE, SEED_NOTE
from vaelab.report.measures import lines
from vaelab.report.panels import PAGE, Strip, panels
from vaelab.report.published_sheet import published_sheet
from vaelab.report.report import Report
from vaelab.report.run_sheet import run_sheet
from vaelab.report.seed_sheet import seed_sheet
from vaelab.report.sheet import Note, Sheet
from vaelab.reporting.tex import escape

MARK = "% vaelab report"
LINES = 42  # of a table and the notes below it, which cannot break over pages
FEWEST = 5  # rows, however much there is below them
FLOATS = 12  # tables that LaTeX may have to keep before it sets them


def text(report: Report) -> str:
    """One table environment after another."""
    lines = [MARK, f"% {comment(report.version)}, {report.made:%Y-%m-%d}"]
    lines += [f"% {comment(report.command)}", f"% evaluation: {comment(report.evaluation)}"]
    lines += section(seed_sheet(report), "Over seeds", SEED_NOTE)
    lines += section(run_sheet(report), "Runs", RUN_NOTE)
    if report.published:
        lines += section(published_sheet(report), "Beside published figures")
    return "\n".join(lines) + "\n"


def section(sheet: Sheet, title: str, about: str = "") -> Iterator[str]:
    """The columns that are shown, in as many tables as they and the rows need, and their notes."""
    shown = sheet.without_hidden()
    for number, (part, notes, rows) in enumerate(tables(shown), 1):
        caption = f"{title}. {about}" if number == 1 else f"{title} (continued)."
        yield from table(part, notes, rows, caption.strip())
        if number % FLOATS == 0:
            yield r"\clearpage"
    for remark in remarks(shown):
        sentence = tex.paragraph(f"{title}, {remark}", PAGE)
        yield rf"{{\footnotesize\raggedright\noindent {sentence}\par}}"


def tables(sheet: Sheet) -> Iterator[tuple[list[Strip], list[str], range]]:
    """Columns, notes on how they were measured, and rows of each."""
    for part in panels(sheet):
        names = [one.column.name for one in part]
        notes = measured([note for note in sheet.notes if note.column in names])
        below = sum(1 + int(tex.width(note) / PAGE) for note in notes)
        start, left = 0, LINES - below
        for at in range(len(sheet.rows)):
            needed = max(one.lines[at] for one in part)
            if at - start >= FEWEST and needed > left:
                yield part, notes, range(start, at)
                start, left = at, LINES - below
            left -= needed
        if sheet.rows:
            yield part, notes, range(start, len(sheet.rows))


def measured(notes: Sequence[Note]) -> list[str]:
    """A sentence each; of the letters of cells, theirs is first."""
    return [f"{letter}: {said}" if letter else said for letter, said in lines(notes)]


def table(part: Sequence[Strip], notes: Sequence[str], rows: range, caption: str) -> Iterator[str]:
    """One table environment."""
    yield r"\begin{table}"
    yield r"\centering\footnotesize\setlength{\tabcolsep}{3pt}"
    yield rf"\caption{{{escape(caption)}}}"
    yield r"\par\medskip"
    yield rf"\begin{{tabular}}{{@{{}}{''.join(one.kind for one in part)}@{{}}}}"
    yield r"\toprule"
    yield row(part, 0)
    yield r"\midrule"
    for at in rows:
        yield row(part, at + 1)
    yield r"\bottomrule"
    yield r"\end{tabular}"
    for note in notes:
        yield rf"\par\smallskip {{\raggedright {tex.paragraph(note, PAGE)}\par}}"
    yield r"\end{table}"


def row(part: Sequence[Strip], at: int) -> str:
    r"""One line; \raggedright in a cell makes \\ end that cell's line."""
    return " & ".join(one.cells[at] for one in part) + r" \tabularnewline"


def remarks(sheet: Sheet) -> Iterator[str]:
    """What a column without room would say, of the rows of which it says something unusual."""
    for at, column in enumerate(sheet.columns):
        found: dict[str, list[int]] = {}
        for number, cells in enumerate(sheet.rows, 1):
            if column.usual is not None and cells[at].text not in ("", column.usual):
                found.setdefault(cells[at].text, []).append(number)
        for said, places in found.items():
            yield f"{ranges(places)}: {column.name}: {said}"


def ranges(places: Sequence[int]) -> str:
    """As "row 3" or "rows 1, 3 to 7"."""
    ends: list[list[int]] = []
    for one in places:
        if ends and ends[-1][1] == one - 1:
            ends[-1][1] = one
        else:
            ends.append([one, one])
    shown = [f"{first}" if first == last else f"{first} to {last}" for first, last in ends]
    return f"row{'s' if len(places) > 1 else ''} {', '.join(shown)}"


def comment(text: str) -> str:
    """One line of letters that every TeX reads."""
    return " ".join(text.split()).encode("ascii", "replace").decode()
