"""The table for a paper: a booktabs tabular in the paper's layout."""

from itertools import zip_longest
from textwrap import wrap

from vaelab.reporting.tex import escape
from vaelab.reproduce.outcome import Outcome, Report
from vaelab.reproduce.pages import words
from vaelab.reproduce.pages.legend import Legend

FEW = 4  # columns in which `ours ± s` fits on one line
HEAD, SIDE = 10, 14  # letters in a line of a column's and of a row's label


def text(report: Report) -> str:
    r"""A table environment; a document needs \usepackage{booktabs} and nothing else."""
    legend = Legend(report)
    columns = report.table.columns.values()
    labels = [_wrapped(column.label, HEAD) for column in columns]
    lines = [
        f"% {_comment(words.version(report))}, {report.made.isoformat()}",
        f"% {_comment(report.command)}",
        r"\begin{table}",
        rf"\centering\{'footnotesize' if len(columns) <= FEW else 'scriptsize'}",
        rf"\caption{{{_caption(report, legend)}}}",
        r"\par\medskip\setlength{\tabcolsep}{3pt}",
        rf"\begin{{tabular}}{{l{'r' * len(columns)}}}",
        r"\toprule",
        *_rows([[], *labels]),
    ]
    for number, row in enumerate(report.table.rows.values()):
        found = [report.at(row.name, column.name) for column in columns]
        cells = [_cell(outcome, legend, len(columns) <= FEW) for outcome in found]
        lines.append(r"\addlinespace" if number else r"\midrule")
        lines += _rows([_wrapped(legend.row(row), SIDE), *cells])
    lines += [r"\bottomrule", r"\end{tabular}"]
    if len(legend.measures) > 1:
        for measured, letter in legend.measures.items():
            lines.append(rf"\par\smallskip {_raised(letter)} {escape(measured)}")
    for reason, sign in legend.signs.items():
        lines.append(rf"\par\smallskip {_raised(sign)} {escape(reason)}: not judged")
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def _caption(report: Report, legend: Legend) -> str:
    parts = [report.table.title, *([legend.warning] if legend.warning else [])]
    parts += [f"{name[0].upper()}{name[1:]}: {text}" for name, text in legend.facts()]
    ends = [escape(part.rstrip(".")) + "." for part in parts]
    below = "" if legend.claim else " Below ours: (published). Bold: inside the band."
    return " ".join(ends) + below


def _cell(outcome: Outcome | None, legend: Legend, beside: bool) -> list[str]:
    """Its lines: ours, ± unless that stands beside it, and the published figure below."""
    if outcome is None:
        return []
    published = words.published(outcome.cell).replace(" ± ", r"\,\pm\,")
    below = [f"(${published}$)"] if published else []
    if not outcome.values:
        return [rf"\textit{{{escape(words.state(outcome))}}}", *below]
    mean, _, spread = words.ours(outcome).partition(" ± ")
    mean = rf"$\mathbf{{{mean}}}$" if words.kind(outcome) == "inside" else f"${mean}$"
    sign = legend.letter(outcome) + legend.sign(outcome)
    parts = [mean + (_raised(sign) if sign else "")]
    parts += [rf"$\pm\,{spread}$"] if spread else []
    about = legend.spread(outcome), escape(legend.cell_unit(outcome))
    parts[-1] = " ".join(text for text in (parts[-1], *about) if text)
    return [*([" ".join(parts)] if beside else parts), *below]


def _wrapped(label: str, letters: int) -> list[str]:
    return [escape(line) for line in wrap(label, letters, break_long_words=False)]


def _rows(cells: list[list[str]]) -> list[str]:
    """Rows of the tabular that hold cells of several lines."""
    return [" & ".join(line) + r" \\" for line in zip_longest(*cells, fillvalue="")]


def _raised(sign: str) -> str:
    return rf"\textsuperscript{{{escape(sign)}}}"


def _comment(text: str) -> str:
    return " ".join(text.split())
