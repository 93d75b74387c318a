"""The table for a paper: a booktabs tabular in the paper's layout."""

import unicodedata

from vaelab.reproduce import words
from vaelab.reproduce.legend import Legend
from vaelab.reproduce.outcome import Outcome, Report

SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "±": r"$\pm$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{MINUS SIGN}": r"$-$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "→": r"$\rightarrow$",
    "…": r"\ldots{}",
    "†": r"\textdagger{}",
    "‡": r"\textdaggerdbl{}",
    "§": r"\S{}",
    "¶": r"\P{}",
    "‖": r"\textbardbl{}",
    **{character: f"\\{character}" for character in "{}$&#_%"},
}


def text(report: Report) -> str:
    r"""A table environment; a document needs \usepackage{booktabs} and nothing else."""
    legend = Legend(report)
    columns = report.table.columns.values()
    lines = [
        f"% {_comment(words.version(report))}, {report.made.isoformat()}",
        f"% {_comment(report.command)}",
        r"\begin{table}",
        r"\centering\footnotesize\setlength{\tabcolsep}{3pt}",
        rf"\caption{{{_caption(report, legend)}}}",
        rf"\begin{{tabular}}{{l{'r' * len(columns)}}}",
        r"\toprule",
        _row(["", *(escape(column.label) for column in columns)]),
        r"\midrule",
    ]
    for number, row in enumerate(report.table.rows.values()):
        lines += [r"\addlinespace"] if number else []
        found = [report.at(row.name, column.name) for column in columns]
        # Two lines a row: eight columns of `ours ± s (published)` are wider than a page.
        lines.append(_row([escape(legend.row(row)), *(_ours(one, legend) for one in found)]))
        lines.append(_row(["", *(_published(one) for one in found)]))
    lines += [r"\bottomrule", r"\end{tabular}"]
    if len(legend.measures) > 1:
        for measured, letter in legend.measures.items():
            lines.append(rf"\par\smallskip {_raised(letter)} {escape(measured)}")
    for reason, sign in legend.signs.items():
        lines.append(rf"\par\smallskip {_raised(sign)} {escape(reason)}: not judged")
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def escape(text: str) -> str:
    """Text that TeX sets as it is."""
    return "".join(SPECIAL.get(character) or _greek(character) for character in text)


def _greek(character: str) -> str:
    """A Greek letter in maths, where every font has it; anything else as it is."""
    words_of = unicodedata.name(character, "").split()
    if words_of[:3] == ["GREEK", "SMALL", "LETTER"] and len(words_of) == 4:
        return "o" if words_of[3] == "OMICRON" else f"$\\{words_of[3].lower()}$"
    return character


def _caption(report: Report, legend: Legend) -> str:
    parts = [report.table.title, *([legend.warning] if legend.warning else [])]
    parts += [f"{name[0].upper()}{name[1:]}: {text}" for name, text in legend.facts()]
    ends = [escape(part.rstrip(".")) + "." for part in parts]
    return " ".join([*ends, "Below ours: (published). Bold: inside the band."])


def _ours(outcome: Outcome | None, legend: Legend) -> str:
    if outcome is None:
        return ""
    if not outcome.values:
        return rf"\textit{{{escape(words.state(outcome))}}}"
    mean, _, spread = words.ours(outcome).partition(" ± ")
    mean = rf"\mathbf{{{mean}}}" if words.kind(outcome) == "inside" else mean
    shown = f"${mean} \\pm {spread}$" if spread else f"${mean}$"
    kind = legend.spread(outcome) if spread else ""
    shown += f" {kind}" if kind else ""
    sign = legend.letter(outcome) + legend.sign(outcome)
    return shown + (_raised(sign) if sign else "")


def _published(outcome: Outcome | None) -> str:
    if outcome is None or outcome.cell.published is None:
        return ""
    return f"(${words.published(outcome.cell)}$)"


def _raised(sign: str) -> str:
    return rf"\textsuperscript{{{escape(sign)}}}"


def _row(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"


def _comment(text: str) -> str:
    return " ".join(text.split())
