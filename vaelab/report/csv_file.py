"""The report for programs: a line for each run and each of its evaluations, numbers in full.

The one that is shown comes first (`shown` is true); an empty field is not known.
"""

import csv
import io
from dataclasses import replace

from vaelab.report.collapse import collapse
from vaelab.report.record import Record
from vaelab.report.report import Report
from vaelab.report.run_sheet import by_run
from vaelab.report.settings import flat

MARK = "vaelab_report,"
HEAD = ("vaelab_report", "folder", "status", "reason", "seed", "config_hash", "epochs")
OF_AN_EVALUATION = ("evaluation", "option", "shown", "epoch_evaluated", "split")
OF_A_METRIC = ("value", "se", "estimator", "samples", "n")
COST = ("seconds", "encoder_passes", "decoder_passes")
ORIGIN = ("device", "threads", "host", "git_commit")
END = ("collapse", "labels", "published", "command")


def text(report: Report) -> str:
    """The file; vaelab_report is the run's name."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    every = [lines(record) for record in report.records]
    found = (name for several in every for record in several for name in record.metrics)
    names = list(dict.fromkeys([*report.metrics, *found]))
    metrics = [f"{name}.{part}" for name in names for part in OF_A_METRIC]
    head = [*HEAD, *report.settings, *OF_AN_EVALUATION, *metrics, *COST, *ORIGIN, "versions", *END]
    writer.writerow(head)
    papers = by_run(report)
    for place, several in enumerate(every):
        cells = [f"{one.table.name}/{one.outcome.cell.name}" for one in papers.get(place, [])]
        for number, record in enumerate(several):
            flats = report.flats[place] if number == 0 else flat(record.settings)
            settings = [flats.get(name) for name in report.settings]
            measured = [record.metrics.get(n, {}).get(p) for n in names for p in OF_A_METRIC]
            end = [collapse(record), "; ".join(record.labels), "; ".join(cells), record.command]
            about = evaluated(record, number == 0)
            writer.writerow([*first(record), *settings, *about, *measured, *made(record), *end])
    return file.getvalue()


def lines(record: Record) -> list[Record]:
    """The run as it is shown, then with each of its other evaluations that has numbers."""
    others = (one for one in record.evaluations if one != record.shown and one.metrics)
    return [record, *(replace(record, shown=one) for one in others)]


def evaluated(record: Record, shown: bool) -> list[object]:
    """OF_AN_EVALUATION of one line."""
    one = record.shown
    if one is None or not one.metrics:
        return ["", "", str(shown).lower(), None, None]
    return [one.name, one.option, str(shown).lower(), one.epoch, record.split]


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
