"""What a page says once for all cells: provenance, units, what ± is, signs and what they mean."""

from collections import Counter

from vaelab.composing.spelling import letter
from vaelab.reproduce.budget import FULL
from vaelab.reproduce.outcome import Outcome, Report
from vaelab.reproduce.pages import words
from vaelab.reproduce.spec import Line

CLAIM = "a published sentence is tested on our own runs; no number of the paper's is shown"
SIGNS = "†‡§¶‖"  # doubled, tripled, ... where a report has more reasons than signs


class Legend:
    """Of one report.

    Attributes:
        claim: whether it is of a published sentence, and no number but ours is in it.
        signs: reason -> its sign, of cells that have a number.
        reasons: not to judge, of any cell that has a number or will have one.
        measures: how a number was measured -> its letter; letters are shown where there are two.
    """

    def __init__(self, report: Report) -> None:
        self.report = report
        self.claim = report.table.kind == "claim"
        shown = [outcome for outcome in report.outcomes if outcome.values]
        reasons = dict.fromkeys(reason for outcome in shown for reason in outcome.caveats)
        run = [outcome for outcome in report.outcomes if not outcome.cell.quoted]
        planned = dict.fromkeys(mark for outcome in run for mark in outcome.marks)
        self.reasons = list(planned | reasons)
        self.signs = {
            reason: SIGNS[number % len(SIGNS)] * (1 + number // len(SIGNS))
            for number, reason in enumerate(reasons)
        }
        found = dict.fromkeys(words.measured(outcome) for outcome in shown)
        self.measures = {text: letter(number) for number, text in enumerate(found)}
        self.kinds = {words.spread(outcome)[1] for outcome in shown} - {""}
        self.units = {row: self._units(row) for row in report.table.rows}

    def sign(self, outcome: Outcome) -> str:
        """Why a shown number is not judged, as signs."""
        reasons = outcome.caveats if outcome.values else ()
        return "".join(self.signs[reason] for reason in dict.fromkeys(reasons))

    def letter(self, outcome: Outcome) -> str:
        """How its number was measured; empty where all were measured alike."""
        return self.measures.get(words.measured(outcome), "") if len(self.measures) > 1 else ""

    def row(self, row: Line) -> str:
        """A row's label with its unit, unless the whole table has one unit."""
        units = self.units[row.name]
        own = len(units) == 1 and self.unit is None
        return f"{row.label} ({next(iter(units))})" if own else row.label

    def cell_unit(self, outcome: Outcome) -> str:
        """The unit to write beside a number: only where its row has several."""
        return outcome.cell.unit if len(self.units[outcome.cell.row.name]) > 1 else ""

    def spread(self, outcome: Outcome) -> str:
        """What ± is, as "se", "sd" or "sd of 3", where that is not the same for all cells."""
        kind, several = words.spread(outcome)[1], len(self._counts()) > 1
        said = {"sd": f"sd of {len(outcome.values)}" if several else "sd"}
        return said.get(kind, kind) if len(self.kinds) > 1 or several else ""

    @property
    def unit(self) -> str | None:
        """Of all cells; None where they differ."""
        units = {unit for own in self.units.values() for unit in own}
        return units.pop() if len(units) == 1 else None

    @property
    def marked(self) -> str:
        """What a number with a reason not to judge is."""
        return "Not in full" if self.claim else "Not as published"

    @property
    def warning(self) -> str | None:
        """What stands above everything where a number is not at the paper's settings."""
        if not self.reasons:
            return None
        marked = sum(1 for outcome in self.report.outcomes if self.sign(outcome))
        shown = sum(1 for outcome in self.report.outcomes if outcome.values)
        what = f"{self.marked}: {', '.join(self.reasons)}."
        if not shown:
            return what
        many = f"{marked} of {shown} numbers of ours are marked"
        return f"{what} {many}; a marked number is never judged."

    def facts(self) -> list[tuple[str, str]]:
        """Name and text of what holds for the whole page."""
        report = self.report
        facts = [("claim", CLAIM)] if self.claim else []
        name, means = report.budget
        if self.claim and name == FULL:
            means = "all epochs, seeds and test data that its settings say"  # and not the paper's
        facts += [("source", report.table.source), ("budget", f"{name}: {means}")]
        facts += [("all cells with", " ".join(report.extra))] if report.extra else []
        facts += [("unit", self.unit or "")]
        split = f"{' and '.join(self._splits())} split"
        if len(self.measures) == 1:
            facts.append(("ours", f"{split}, {next(iter(self.measures))}"))
        elif self.measures:
            ways = f"measured in {len(self.measures)} ways, as each cell says"
            facts.append(("ours", f"{split}, {ways}"))
        facts += [("±", self._spread())] if self.kinds else []
        band = "" if self.claim else "of ours - published, least to greatest"
        facts += [("band", band), ("cells", self.counts())]
        return [(name, text) for name, text in facts if text]

    def counts(self) -> str:
        """How many cells are finished, and what became of the others."""
        every = self.report.outcomes
        cells = [outcome for outcome in every if outcome.wanted]
        whole = [one for one in cells if one.values and len(one.values) == len(one.runs)]
        kinds = Counter(words.kind(outcome) for outcome in cells)
        states = Counter(words.state(outcome) for outcome in cells)
        without = kinds["unjudged"] - states["not judged"]
        some = {
            "without a band or a published figure": 0 if self.claim else without,
            "failed": sum(outcome.status.startswith("failed") for outcome in cells),
            "refused": states["refused"],
            "not in this budget": sum(outcome.left_out is not None for outcome in every),
            "quoted": sum(outcome.cell.quoted for outcome in every),
        }
        text = f"{len(whole)} of {len(cells)} finished; "
        if not self.claim:
            text += f"{kinds['inside']} inside the band, {kinds['outside']} outside, "
        text += f"{states['not judged']} not judged"
        return text + "".join(f", {count} {name}" for name, count in some.items() if count)

    def notes(self) -> list[str]:
        """Of the table, then of cells, each once and with the cells it is of."""
        cells = [outcome.cell for outcome in self.report.outcomes]
        notes = list(self.report.table.notes)
        for note in dict.fromkeys(cell.note for cell in cells if cell.note):
            own = [outcome for outcome in self.report.outcomes if outcome.cell.note == note]
            notes.append(note if len(own) == len(cells) else f"{self.where(own)}: {note}")
        return notes

    def faults(self) -> list[str]:
        """Why cells failed or were refused, each once and with the cells it is of."""
        every = self.report.outcomes
        said = [(one.verdict if one.refused else one.status, one) for one in every]
        return self._each_once([one for one in said if one[0].startswith(("failed", "refused"))])

    def left_out(self) -> list[str]:
        """Why cells are no part of this budget, in the same way."""
        own = [one for one in self.report.outcomes if one.left_out is not None]
        return self._each_once([(one.verdict, one) for one in own])

    def _each_once(self, said: list[tuple[str, Outcome]]) -> list[str]:
        found: dict[str, list[Outcome]] = {}
        for why, outcome in said:
            found.setdefault(why, []).append(outcome)
        return [f"{self.where(own)}: {why}" for why, own in found.items()]

    def where(self, outcomes: list[Outcome]) -> str:
        """Cells by name; a whole row by its own."""
        names = []
        for row in self.report.table.rows.values():
            every = [one for one in self.report.outcomes if one.cell.row.name == row.name]
            own = [one for one in outcomes if one.cell.row.name == row.name]
            whole = len(own) == len(every) > 1
            each = [f"{row.label} / {one.cell.column.label}" for one in own]
            names += [row.label] if whole else each
        return ", ".join(names)

    def _splits(self) -> list[str]:
        """What our numbers are of."""
        runs = [run for one in self.report.outcomes for run in one.runs]
        return sorted({run.split for run in runs if run.value is not None})

    def _counts(self) -> list[int]:
        """Of seeds, where there are several."""
        counts = {len(one.values) for one in self.report.outcomes}
        return sorted(count for count in counts if count > 1)

    def _units(self, row: str) -> set[str]:
        return {one.cell.unit for one in self.report.outcomes if one.cell.row.name == row}

    def _spread(self) -> str:
        counts = self._counts()
        seeds = " to ".join(str(count) for count in dict.fromkeys([*counts[:1], *counts[-1:]]))
        # Other data than the test set belong to estimators that are no mean over examples.
        over = " over test examples" if self._splits() == ["test"] else ""
        said = {
            "sd": f"standard deviation over {seeds} seeds",
            "se": f"standard error{over}, one seed",
        }
        if len(self.kinds) == 1:
            return said[next(iter(self.kinds))]
        return "; ".join(f"{kind}: {text}" for kind, text in said.items())
