"""The table with a row a run."""

from vaelab.report import words
from vaelab.report.collapse import collapse
from vaelab.report.published import Beside, figure
from vaelab.report.record import DAMAGED, Record
from vaelab.report.report import SHOWN, Report
from vaelab.report.shape import finite
from vaelab.report.sheet import Cell, Column, Note, Sheet, word

KIND = {"failed": "bad", DAMAGED: "bad", "interrupted": "warn", "running": "warn", "pruned": "warn"}
VALID = Note(
    "valid ELBO",
    "in training (metrics.csv), of the epoch whose model is reported, else of the last",
)
DATA = "the same where runs were trained on the same data, by checksums and what data say"
COLLAPSE = "no active unit, or a KL below 0.1 nats, after more than 3 epochs"


def run_sheet(report: Report) -> Sheet:
    """Runs as they are, finished or not."""
    of_test = {record.split for record in report.records if record.metrics} <= {"test"}
    split = "test" if of_test else "test, or the split that was evaluated"
    tip = f"of {split}; ± is the standard error over examples"
    open_ = any(not record.metrics for record in report.records)
    labelled = any(record.labels for record in report.records)
    columns = [
        Column("run"),
        *(Column(name, "setting") for name in report.settings),
        *([Column("data", "setting", DATA)] if report.data else []),
        Column("seed", "number"),
        Column("status", "setting", usual="complete"),
        *(Column(words.spelt(n), "number", tip, n in SHOWN) for n in report.metrics),
        Column("collapse", "text", COLLAPSE, usual="no"),
        *([Column("published", "number", "(ours - published)")] if report.published else []),
        Column("trained", "number", "epochs; of how many where a run has not ended"),
        Column("valid ELBO", "number", VALID.text, open_),
        Column("reason", "text", "why it failed or stopped", any(map(why, report.records)), ""),
        Column("labels", "text", shown=labelled, usual=""),
    ]
    papers = by_run(report)
    rows = [row(report, place, papers.get(place, [])) for place in range(len(report.records))]
    members = [[place] for place in range(len(rows))]
    return Sheet(columns, rows, members, [*report.measures.notes(), *([VALID] if open_ else [])])


def row(report: Report, place: int, papers: list[Beside]) -> list[Cell]:
    """Of one run."""
    record = report.records[place]
    settings = report.flats[place]
    valid = finite(record.history.at(record.results.get("model", {}).get("epoch")).get("val/elbo"))
    return [
        Cell(record.name, record.name, str(record.folder)),
        *(word(settings.get(name)) for name in report.settings),
        *([word(report.data[place])] if report.data else []),
        Cell("" if record.seed is None else str(record.seed), record.seed),
        status(record),
        *(metric(report, record, name) for name in report.metrics),
        collapsed(record),
        *([published(place, papers)] if report.published else []),
        epochs(record),
        Cell("" if valid is None else f"{valid:.2f}", valid),
        word(why(record)),
        word(", ".join(record.labels)),
    ]


def status(record: Record) -> Cell:
    """In a word, with the reason as its tip."""
    return Cell(record.status, record.status, why(record), KIND.get(record.status, ""))


def why(record: Record) -> str:
    """Why a run is not complete; what a complete one failed at before does not matter."""
    return record.reason if record.status != "complete" else ""


def epochs(record: Record) -> Cell:
    """Done; of how many where it has not ended by itself."""
    asked, done = record.config.get("epochs"), record.epochs
    ended = record.results.get("training", {}).get("ended") or ""
    text = str(done) if ended or asked is None else f"{done} of {asked}"
    return Cell(text if record.config else "", done if record.config else None, str(ended))


def metric(report: Report, record: Record, name: str) -> Cell:
    """Of one run; what is not a number says so and sorts last."""
    found = record.metrics.get(name)
    if found is None:
        return Cell()
    text = words.metric(name, found, record.units, report.decimals[name])
    tip, letters = words.measured(found, record.split), report.measures.letters(name, [record])
    return Cell(text, finite(found.get("value")), tip, letter=letters)


def collapsed(record: Record) -> Cell:
    """The mark, with its words."""
    said = collapse(record)
    return Cell(said or ("no" if said == "" else ""), said, "", "warn" if said else "")


def published(place: int, papers: list[Beside]) -> Cell:
    """The first cell that a run is of, in short; all of them in the tip."""
    parts, first = [], Cell()
    for one in papers:
        cell, run = one.outcome.cell, one.outcome.runs[one.members.index(place)]
        assert cell.published is not None
        shown = f"{cell.published:.{cell.digits}f}"
        start = f"{one.table.name}: {figure(cell)}: {cell.metric} {shown} {cell.unit} published"
        if run.value is None:
            parts.append(f"{start}; this run: {run.status}")
            first = first if first.text else Cell(shown)
            continue
        gap = run.value - cell.published
        parts.append(f"{start}; this run {run.value:.{cell.digits}f}; {one.outcome.verdict}")
        if first.value is None:
            first = Cell(f"{shown} ({gap:+.{cell.digits}f})", finite(gap))
    return Cell(first.text, first.value, "\n".join(parts))


def by_run(report: Report) -> dict[int, list[Beside]]:
    """The cells that each run is of."""
    found: dict[int, list[Beside]] = {}
    for one in report.published:
        for place in one.members:
            found.setdefault(place, []).append(one)
    return found
