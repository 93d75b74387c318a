"""What `vaelab diff` prints: tables on a terminal, aligned columns without lines elsewhere."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vaelab.report import compared, difference, words
from vaelab.report.compared import Compared
from vaelab.runs.run import Run

NOTHING = "-"
WIDE = 10_000  # columns where nothing need fold, as in a file
NOTE = {
    compared.INDEPENDENT: "of other examples: errors add up as those of independent numbers",
    compared.SAME: (
        "of the same examples: an error that takes them for independent is mostly too large; "
        "vaelab evaluate RUN evaluation.per_example=true of both gives the paired one"
    ),
    compared.PAIRED: "of the same examples: the error of their differences, example by example",
    compared.UNLIKE: "by other estimators, samples or numbers of examples: no difference is shown",
}


def show(a: Run, b: Run) -> bool:
    """Print what differs; whether anything does."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = WIDE
    console.print(f"A: {a}\nB: {b}")
    settings, metrics = difference.settings(a, b), list(compared.metrics(a, b))
    one, other = difference.only(a, b), difference.only(b, a)
    unlike_data = difference.data(a, b)
    if settings:
        rows = [[name, x or shown(x), y or shown(y)] for name, x, y in settings]
        table(console, ["setting", "A", "B"], rows, 1)
    else:
        console.print("settings: the same")
    if unlike_data:
        console.print(f"data: {unlike_data}", soft_wrap=True)
    if metrics:
        heads = ["split", "metric", "A", "B", "B - A", "se", ""]
        table(console, heads, [row(metric) for metric in metrics], 2)
        for how in dict.fromkeys(metric.how for metric in metrics if metric.how):
            console.print(f"{how}: {NOTE[how]}", soft_wrap=True)
    else:
        console.print("metrics: none that both have")
    for name, found in (("A", one), ("B", other)):
        if found:
            console.print(f"only {name} has: {', '.join(found)}", soft_wrap=True)
    unlike = any(metric.how == compared.UNLIKE or metric.difference for metric in metrics)
    if not (settings or unlike_data or unlike or one or other):
        console.print("the same")
        return False
    return True


def row(metric: Compared) -> list[str]:
    """One metric; the difference with as many digits as its error supports."""
    digits = words.decimals(metric.se)
    values = [
        words.about(value, error, words.decimals(error))
        for value, error in ((metric.a, metric.se_a), (metric.b, metric.se_b))
    ]
    source = f" ({metric.source})" if metric.source else ""
    how = ": ".join(text for text in (metric.how, " / ".join(metric.ways)) if text)
    se = "" if metric.se is None else f"{metric.se:.{digits}f}"
    gap = metric.difference
    if gap is None:
        return [metric.split + source, metric.name, *values, "", "", how]
    gap = f"{gap:+d}" if isinstance(gap, int) and gap else f"{gap:+.{digits}f}" if gap else "0"
    return [metric.split + source, metric.name, *values, gap, se, how]


def shown(value: str | None) -> str:
    """A value that is not there, or empty."""
    return NOTHING if value is None else "''"


def table(
    console: Console, heads: Sequence[str], rows: Sequence[Sequence[str]], texts: int
) -> None:
    """Columns after the first `texts` that hold numbers stand on the right."""
    lines = box.HEAVY_HEAD if console.is_terminal else None
    made = Table(box=lines, padding=(0, 1) if lines else (0, 2, 0, 0))
    for place, head in enumerate(heads):
        number = head and place >= texts and texts > 1
        made.add_column(head, justify="right" if number else "left", overflow="fold")
    for cells in rows:
        made.add_row(*(Text(cell) for cell in cells))
    console.print(made)
