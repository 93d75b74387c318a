"""Numbers and words of one cell, the same on every page."""

from vaelab.reproduce.outcome import Outcome, Report
from vaelab.reproduce.spec import Cell


def number(value: float, digits: int, sign: bool = False) -> str:
    """With so many digits; a value that rounds to zero has no minus."""
    text = f"{value:{'+' if sign else ''}.{digits}f}"
    return text.replace("-", "+" if sign else "") if float(text) == 0 else text


def published(cell: Cell) -> str:
    """The paper's figure, ± what it prints behind it; empty where it prints none."""
    if cell.published is None:
        return ""
    sd = cell.published_sd
    about = "" if sd is None else f" ± {number(sd, cell.digits)}"
    return number(cell.published, cell.digits) + about


def spread(outcome: Outcome) -> tuple[str, str]:
    """What follows ±, and of what it is: "sd" over seeds or "se" of one."""
    for value, kind in ((outcome.spread, "sd"), (outcome.se, "se")):
        if outcome.values and value is not None:
            return number(value, outcome.cell.digits), kind
    return "", ""


def ours(outcome: Outcome) -> str:
    """The mean over seeds ± its spread; empty where there is none yet."""
    if outcome.mean is None:
        return ""
    about, _ = spread(outcome)
    return number(outcome.mean, outcome.cell.digits) + (f" ± {about}" if about else "")


def ours_in_full(outcome: Outcome) -> str:
    """The same, saying what ± is."""
    _, kind = spread(outcome)
    said = {"sd": f" (sd, {len(outcome.values)} seeds)", "se": " (se, 1 seed)", "": ""}
    return ours(outcome) + said[kind]


def difference(outcome: Outcome) -> str:
    """Ours - published, with its sign."""
    found = outcome.difference
    return "" if found is None else number(found, outcome.cell.digits, sign=True)


def band(cell: Cell) -> str:
    """As "±0.5" or "-2.2 to +0.5"."""
    if cell.band is None:
        return ""
    low, high = cell.band
    return f"±{high:g}" if -low == high >= 0 else f"{low:+g} to {high:+g}"


def state(outcome: Outcome) -> str:
    """The verdict without its reasons: "inside the band", "not judged", "failed", ..."""
    return outcome.verdict.partition(":")[0]


def kind(outcome: Outcome) -> str:
    """One of five that pages colour alike: inside, outside, unjudged, open, quoted."""
    if outcome.cell.quoted:
        return "quoted"
    if not outcome.values or outcome.refused is not None:
        return "open"
    return {True: "inside", False: "outside", None: "unjudged"}[outcome.inside]


def measured(outcome: Outcome) -> str:
    """Metric, estimator, latents and examples of our number; empty where there is none."""
    found = {}
    for run in outcome.runs:
        if run.value is not None:
            parts = [run.estimator or "estimator not recorded"]
            samples = f"{run.samples} samples"
            said = run.samples is None or samples in parts[0]
            parts += [] if said else [samples]
            parts += [f"{run.n} {run.split} examples"] if run.n is not None else []
            found[f"{outcome.cell.metric}: {', '.join(parts)}"] = None
    return "; ".join(found)


def about(report: Report, cell: Cell) -> str:
    """Where the published figure is from, if not from the table's source, and how sure it is."""
    source = cell.source if cell.source != report.table.source else ""
    return "; ".join(text for text in (source, cell.certainty) if text)


def version(report: Report) -> str:
    """Of the code that made the report, with its commit."""
    if report.commit is None:
        return f"vaelab {report.version}"
    changed = " with local changes" if report.commit.endswith("+") else ""
    return f"vaelab {report.version} at commit {report.commit.rstrip('+')[:10]}{changed}"
