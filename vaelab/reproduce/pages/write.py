"""Every file that a report becomes."""

from pathlib import Path

from vaelab.reproduce.outcome import Report
from vaelab.reproduce.pages import csv_file, figure, html_page, latex, markdown
from vaelab.reproduce.pages.copies import copy_figures


def write_pages(report: Report, folder: Path) -> list[Path]:
    """Write <kind>.md, .csv, .tex and .html, the drawn figure, and copies of the runs' figures.

    Returns:
        the page in each format, then the drawn figure if the table has plots.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kind = report.table.kind
    drawn = figure.draw(report, folder / f"{kind}.png") if report.table.plots else None
    copies = copy_figures(report, folder)
    texts = {
        "md": markdown.text(report, folder, drawn),
        "csv": csv_file.text(report),
        "tex": latex.text(report),
        "html": html_page.text(report, folder, drawn, copies),
    }
    written = [_write(folder / f"{kind}.{ending}", text) for ending, text in texts.items()]
    return [*written, drawn] if drawn else written


def _write(path: Path, text: str) -> Path:
    """At once, so that a page that is open in a browser is never half a page."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text, encoding="utf-8")
    return temporary.replace(path)
