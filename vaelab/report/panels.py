"""A table for paper: its columns as LaTeX, in as many tables side by side as a page is wide."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap

from vaelab.report import tex
from vaelab.report.sheet import Cell, Column, Sheet
from vaelab.reporting.tex import escape, spaced

PAGE = 340.0  # points that an article's lines are wide, but for five
GAP = 6.0  # points between columns
LEAST, MOST = 50.0, 110.0  # points of a column of words
LETTERS = 200  # in a cell
HEAD = 12  # letters in a line of a number's heading
RAISED = 4.0  # points of a raised letter
SEEDS = ("seed", "seeds")  # numbers that say what a row is


@dataclass(frozen=True)
class Strip:
    """One column, set.

    Attributes:
        kind: as tabular wants it.
        cells: the heading, then a row each.
        lines: that each row takes.
        width: in points.
    """

    column: Column
    kind: str
    cells: list[str]
    lines: list[int]
    width: float


def panels(sheet: Sheet) -> list[list[Strip]]:
    """The columns, numbered rows before each part, so that none is wider than a page.

    One where they fit; otherwise what the rows are, then what was measured of them.
    """
    every = [strip(column, [row[at] for row in sheet.rows]) for at, column in kept(sheet)]
    numbered = numbers(len(sheet.rows))
    if total([numbered, *every]) <= PAGE:
        return [[numbered, *every]]
    said = [one for one in every if one.column.role != "number" or one.column.name in SEEDS]
    measured = [one for one in every if one not in said]
    return [[numbered, *part] for group in (said, measured) for part in packed(group, numbered)]


def kept(sheet: Sheet) -> list[tuple[int, Column]]:
    """Columns that are no notes, and their places."""
    return [(at, column) for at, column in enumerate(sheet.columns) if column.usual is None]


def packed(strips: Sequence[Strip], numbered: Strip) -> Iterator[list[Strip]]:
    """As many together as a page is wide."""
    part: list[Strip] = []
    for one in strips:
        if part and total([numbered, *part, one]) > PAGE:
            yield part
            part = []
        part.append(one)
    if part:
        yield part


def total(strips: Sequence[Strip]) -> float:
    """Points of a table."""
    return sum(one.width for one in strips) + GAP * (len(strips) - 1)


def numbers(rows: int) -> Strip:
    """What notes call the rows."""
    texts = [str(one) for one in range(1, rows + 1)]
    return Strip(Column("no."), "r", ["", *texts], [1] * rows, tex.width(f"{rows}"))


def strip(column: Column, cells: Sequence[Cell]) -> Strip:
    """A column of numbers as wide as the widest; of words, they are set in several lines."""
    texts = [short(spaced(cell.text)) for cell in cells]
    if column.role == "number":
        heads = wrap(column.name, HEAD) or [""]
        head = r"\\{}".join(map(escape, heads))  # a bracket after \\ would be a length
        wide = [tex.math_width(one.text) + RAISED * len(one.letter) for one in cells]
        found = [tex.math(text) + raised(cell) for text, cell in zip(texts, cells, strict=True)]
        width = max([*map(tex.width, heads), *wide])
        return Strip(column, "r", [rf"\shortstack[r]{{{head}}}", *found], [1] * len(texts), width)
    wide = [tex.width(text) for text in (column.name, *texts)]
    width = min(MOST, max(LEAST, *wide))
    found = [rf"\raggedright\hspace{{0pt}}{said(text, width)}" for text in (column.name, *texts)]
    # A line that breaks is not full.
    lines = [1 + int(1.3 * points / width) if points > width else 1 for points in wide[1:]]
    return Strip(column, f"p{{{width:.0f}pt}}", found, lines, width)


def short(text: str) -> str:
    """As much of it as a row that no page can break has room for."""
    return text if len(text) <= LETTERS else f"{text[:LETTERS]} …"


def said(text: str, width: float) -> str:
    """Words, or one number that stands among them."""
    alone = tex.NUMBER.fullmatch(text) and tex.math_width(text) <= width
    return tex.math(text) if alone else tex.paragraph(text, width)


def raised(cell: Cell) -> str:
    """The letter of a cell's note."""
    return rf"\textsuperscript{{{cell.letter}}}" if cell.letter else ""
