"""Cells that show a number in units of another row's, or how far it is above another row's."""

from dataclasses import replace

from vaelab.reproduce.outcome import Outcome, Trained


def compared(outcomes: list[Outcome]) -> list[Outcome]:
    """The same, but for cells that are relative to a row, or above one: its mean over seeds.

    While that row has no number, neither have they: they are then as far as it is.
    """
    bases = {one.cell.name: one for one in outcomes}

    def by_base(one: Outcome) -> Outcome:
        cell, runs = one.cell, one.runs
        if cell.above is not None:
            base = bases[f"{cell.above}/{cell.column.name}"]
            runs = tuple(_compared(run, base, "above") for run in runs)
        if cell.relative_to is not None:
            base = bases[f"{cell.relative_to}/{cell.column.name}"]
            runs = tuple(_compared(run, base, "by") for run in runs)
        return replace(one, runs=runs)

    return [by_base(one) for one in outcomes]


def _compared(run: Trained, base: Outcome, how: str) -> Trained:
    if run.value is None:
        return run
    row = base.cell.row.label
    if base.mean is None:
        first = base.runs[0] if base.runs else None
        status = "failed" if base.refused else first.status if first else "not evaluated"
        why = base.refused or (first.reason if first else None)
        reason = f"{row}: {why}" if why else None
        return replace(run, value=None, se=None, status=status, reason=reason)
    value = run.value / base.mean if how == "by" else run.value - base.mean
    # Neither error nor estimator of the base is in it: what is known of the two alone is not said.
    return replace(run, value=value, se=None, estimator=f"{run.estimator}, {how} the mean of {row}")
