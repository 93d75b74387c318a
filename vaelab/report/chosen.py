"""Which evaluation of each run the tables show."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from vaelab.composing.spelling import nearest
from vaelab.errors import UserError
from vaelab.report.evaluations import OWN, Settings, like
from vaelab.report.record import Record


def choose(
    records: Sequence[Record], asked: str, known: Mapping[str, Settings]
) -> tuple[list[Record], list[str]]:
    """The records with another evaluation shown, and which of the complete ones lack it.

    Args:
        records: of all runs.
        asked: "own", an option of configs/evaluation, or the name of a file in RUN/evaluations.
        known: those options.

    Raises:
        UserError: there is no such evaluation, or no run has it.
    """
    if asked == OWN:
        return list(records), []
    made = {one.name for record in records for one in record.evaluations}
    if asked not in known and asked not in made:
        every = [OWN, *known, *sorted(made - {OWN})]
        raise UserError(f"evaluation={asked}: no such evaluation{nearest(asked, every)}")
    chosen = []
    for record in records:
        named = (one for one in record.evaluations if one.name == asked)
        meant = like(record.evaluations, known[asked]) if asked in known else next(named, None)
        chosen.append(replace(record, shown=meant))
    how = f"evaluation={asked}" if asked in known else "and the same settings"
    if all(record.shown is None for record in chosen):
        raise UserError(f"evaluation={asked}: made of no run here; vaelab evaluate RUN {how}")
    without = [one.name for one in chosen if one.shown is None and one.status == "complete"]
    if not without:
        return chosen, []
    names = ", ".join(without[:4]) + (", …" if len(without) > 4 else "")
    many = f"{len(without)} of {len(records)} runs" if len(records) > 1 else "the run"
    return chosen, [f"evaluation={asked}: not made of {many} ({names}); vaelab evaluate RUN {how}"]
