r"""The report's tables for a paper; a document needs \usepackage{booktabs} and nothing else."""

from collections.abc import Iterator

from vaelab.report.markdown import RUN_NOTE, SEED_NOTE
from vaelab.report.published_sheet import published_sheet
from vaelab.report.report import Report
from vaelab.report.run_sheet import run_sheet
from vaelab.report.seed_sheet import seed_sheet
from vaelab.report.sheet import Sheet
from vaelab.reproduce.pages import latex

MARK = "% vaelab report"
ROWS = 40  # of a table, which cannot break over pages
KNOWN = 0x17F  # the last letter that LaTeX sets without a package


def text(report: Report) -> str:
    """One table environment after another."""
    lines = [MARK, f"% {comment(report.version)}, {report.made:%Y-%m-%d}"]
    lines.append(f"% {comment(report.command)}")
    lines += table(seed_sheet(report), f"Over seeds. {SEED_NOTE}")
    lines += table(run_sheet(report), f"Runs. {RUN_NOTE}")
    if report.published:
        lines += table(published_sheet(report), "Beside published figures.")
    return "\n".join(lines) + "\n"


def table(sheet: Sheet, caption: str) -> Iterator[str]:
    """The columns that are shown, in as many tables as the rows need."""
    shown = sheet.without_hidden()
    aligned = "".join("r" if column.role == "number" else "l" for column in shown.columns)
    head = row([column.name for column in shown.columns])
    for start in range(0, len(shown.rows), ROWS):
        more = "" if start == 0 else " (continued)"
        yield r"\begin{table}"
        yield r"\centering\scriptsize\setlength{\tabcolsep}{3pt}"
        yield rf"\caption{{{escape(caption)}{more}}}"
        yield r"\par\medskip"
        yield rf"\begin{{tabular}}{{@{{}}{aligned}@{{}}}}"
        yield r"\toprule"
        yield head
        yield r"\midrule"
        for cells in shown.rows[start : start + ROWS]:
            yield row([cell.text for cell in cells])
        yield r"\bottomrule"
        yield r"\end{tabular}"
        yield r"\end{table}"


def row(texts: list[str]) -> str:
    r"""One line; it begins with {} because \\ takes a bracket after it for a length."""
    return "{}" + " & ".join(map(escape, texts)) + r" \\"


def escape(text: str) -> str:
    """Text that TeX sets as it is; a letter that it has no font for by its number."""
    spaced = "".join(one if one.isprintable() else " " for one in text)
    return "".join(letter(one) for one in spaced)


def letter(character: str) -> str:
    """One character."""
    shown = latex.escape(character)
    if character == "-" or shown != character or ord(character) <= KNOWN:
        return shown
    return f"[U+{ord(character):04X}]"


def comment(text: str) -> str:
    """One line of letters that every TeX reads."""
    return " ".join(text.split()).encode("ascii", "replace").decode()
