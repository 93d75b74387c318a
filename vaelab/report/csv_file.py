"""The report for programs: one line a run, numbers in full; an empty field is not known."""

import csv
import io

from vaelab.report.collapse import collapse
from vaelab.report.record import Record
from vaelab.report.report import Report
from vaelab.report.run_sheet import by_run

MARK = "vaelab_report,"
HEAD = ("vaelab_report", "folder", "status", "reason", "seed", "config_hash", "epochs")
OF_A_METRIC = ("value", "se", "estimator", "samples", "n")
COST = ("seconds", "encoder_passes", "decoder_passes")
ORIGIN = ("device", "threads", "host", "git_commit")
END = ("collapse", "labels", "published", "command")


def text(report: Report) -> str:
    """The file; vaelab_report is the run's name."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    metrics = [f"{name}.{part}" for name in report.metrics for part in OF_A_METRIC]
    head = [*HEAD, *report.settings, "split", *metrics, *COST, *ORIGIN, "versions", *END]
    writer.writerow(head)
    papers = by_run(report)
    for place, record in enumerate(report.records):
        cells = [f"{one.table.name}/{one.outcome.cell.name}" for one in papers.get(place, [])]
        settings = [report.flats[place].get(name) for name in report.settings]
        measured = [record.metrics.get(n, {}).get(p) for n in report.metrics for p in OF_A_METRIC]
        end = [collapse(record), "; ".join(record.labels), "; ".join(cells), record.command]
        split = record.split if record.metrics else None
        writer.writerow([*first(record), *settings, split, *measured, *made(record), *end])
    return file.getvalue()


def first(record: Record) -> list[object]:
    """HEAD of one run."""
    known = record.hash if record.config else None
    state = [record.status, record.reason, record.seed, known, record.epochs]
    return [record.name, record.folder, *state]


def made(record: Record) -> list[object]:
    """What it took, on what, with what."""
    results, cost = record.results, record.results.get("cost") or {}
    versions = (results.get("versions") or {}).items()
    said = "; ".join(f"{name} {version}" for name, version in versions)
    return [*(cost.get(name) for name in COST), *(results.get(name) for name in ORIGIN), said]
