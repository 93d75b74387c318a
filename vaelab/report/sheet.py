"""A table as every page shows it: columns, and cells with a text, a value to sort by and a tip."""

from dataclasses import dataclass, field

Value = float | str | None


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: as shown.
        value: to sort by; None, after all others, is for what is not there.
        tip: what the text has no room for.
        kind: "bad", "warn" or "good" where it should be seen; the text says why.
        letter: of the note that says how it was measured, on pages without tips.
    """

    text: str = ""
    value: Value = None
    tip: str = ""
    kind: str = ""
    letter: str = ""


@dataclass(frozen=True)
class Note:
    """How a column's numbers were measured, or those of its cells that have a letter."""

    column: str
    text: str
    letter: str = ""


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        role: "setting" has a drop-down, "number" is aligned by its digits, "text" is neither.
        shown: without being asked for.
        usual: in LaTeX no column but a note of every row whose text is another than this and not
            empty; None: a column there too.
    """

    name: str
    role: str = "text"
    tip: str = ""
    shown: bool = True
    usual: str | None = None


@dataclass(frozen=True)
class Sheet:
    """A table.

    Attributes:
        members: of each row, the runs it stands for, by their place in the report.
    """

    columns: list[Column]
    rows: list[list[Cell]] = field(default_factory=list)
    members: list[list[int]] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def without_hidden(self) -> "Sheet":
        """The columns that are shown, for pages on which nothing can be asked for."""
        kept = [place for place, column in enumerate(self.columns) if column.shown]
        rows = [[row[place] for place in kept] for row in self.rows]
        return Sheet([self.columns[place] for place in kept], rows, self.members, self.notes)


def word(text: object) -> Cell:
    """A text that sorts as it reads."""
    shown = "" if text is None else str(text)
    return Cell(shown, shown or None)
