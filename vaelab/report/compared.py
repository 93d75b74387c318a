"""Metrics of two runs beside each other, with the error of their difference."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vaelab.composing.identity import canonical
from vaelab.errors import UserError
from vaelab.report import words
from vaelab.report.evaluations import OWN, Evaluation, later, options, own
from vaelab.report.seeds import form
from vaelab.report.shape import finite, misshapen
from vaelab.runs.run import Run

INDEPENDENT = "independent"
SAME = "same examples, as if independent"
PAIRED = "same examples, paired"
UNLIKE = "measured otherwise"
BY_EXAMPLE = ("nll", "elbo", "iwae", "log_likelihood")  # of an .npz


@dataclass(frozen=True)
class Compared:
    """One metric that both runs have.

    Attributes:
        source: "", of both runs' own results, or the evaluations that it is of.
        se: standard error of B - A; None where one of the two has none.
        how: what `se` supposes of the two, or that they are no estimates of one kind.
        ways: of two that are not, how each was measured.
    """

    source: str
    split: str
    name: str
    a: float
    b: float  # a count stays one: active units
    se_a: float | None = None
    se_b: float | None = None
    se: float | None = None
    how: str = ""
    ways: tuple[str, ...] = ()

    @property
    def difference(self) -> float | None:
        """B - A; 0 of two that are the same, infinite or not a number too; None of UNLIKE."""
        same = self.a == self.b or (math.isnan(self.a) and math.isnan(self.b))
        return None if self.how == UNLIKE else 0.0 if same else self.b - self.a


def metrics(a: Run, b: Run) -> Iterator[Compared]:
    """Every metric that both have: of their own results, and of evaluations made alike.

    A run's own results are such an evaluation too.
    """
    ones, others = evaluations(a), evaluations(b)
    alike, done = same_examples(a, b), set()
    for x, y in pairs(ones, others):
        of_own = x.name == y.name == OWN
        same = alike and (not of_own or seen(x.settings) == seen(y.settings))
        source = "" if of_own else " and ".join(dict.fromkeys(called(one) for one in (x, y)))
        found = [*both(source, x, y, same), *(paired(a, b, x, y, source) if alike else ())]
        for one in found:
            # The same numbers may lie in several files; those of own results may be no pair.
            what = (x.key, y.key, one.split, one.name, one.how == PAIRED)
            if what not in done:
                done.add(what)
                yield one


def pairs(
    ones: list[Evaluation], others: list[Evaluation]
) -> Iterator[tuple[Evaluation, Evaluation]]:
    """Own results, whatever they are; then all that were made alike, of one file name first."""
    yield ones[0], others[0]
    alike = [(x, y) for x in ones for y in others if x.key == y.key]
    made = [two for two in alike if two != (ones[0], others[0])]
    yield from sorted(made, key=lambda two: two[0].name != two[1].name)


def called(one: Evaluation) -> str:
    """An evaluation."""
    return "own results" if one.name == OWN else f"evaluation {one.name}"


def both(source: str, a: Evaluation, b: Evaluation, alike: bool) -> Iterator[Compared]:
    """Metrics of splits that two evaluations share."""
    for split in a.metrics:
        for name, one in a.metrics[split].items():
            other = b.metrics.get(split, {}).get(name, {})
            if one.get("value") is None or other.get("value") is None:
                continue
            errors = finite(one.get("se")), finite(other.get("se"))
            found = Compared(source, split, name, one["value"], other["value"], *errors)
            if form(one) != form(other):
                ways = words.way(one, split), words.way(other, split)
                yield replace(found, how=UNLIKE, ways=ways)
                continue
            se = None if None in errors else math.hypot(*(error or 0.0 for error in errors))
            yield replace(found, se=se, how="" if se is None else SAME if alike else INDEPENDENT)


def paired(a: Run, b: Run, x: Evaluation, y: Evaluation, source: str) -> Iterator[Compared]:
    """Metrics kept by example (evaluation.per_example=true), where the examples are the same."""
    for path in sorted((a.folder / "evaluations").glob(f"{x.name}-*.npz")):
        split = path.stem.partition("-")[2]
        beside = Path(b.folder, "evaluations", f"{y.name}-{split}.npz")
        if not beside.is_file():
            continue
        import numpy as np

        with np.load(path) as one, np.load(beside) as other:
            if not np.array_equal(one["index"], other["index"]) or len(one["index"]) < 2:
                continue
            for name in BY_EXAMPLE:
                if name not in one or name not in other:
                    continue
                u, v = one[name].astype(float), other[name].astype(float)
                one_se, other_se, se = (
                    float(w.std(ddof=1)) / math.sqrt(len(w)) for w in (u, v, v - u)
                )
                means = float(u.mean()), float(v.mean())
                yield Compared(source, split, name, *means, one_se, other_se, se, PAIRED)


def evaluations(run: Run) -> list[Evaluation]:
    """A run's own, then those made after training.

    Raises:
        UserError: its results.json is damaged.
    """
    found = run.read()
    if fault := misshapen(found):
        raise UserError(f"{run.results}: damaged, {fault}; delete it to train this run again")
    first = own(run.config, found, options())
    return [first, *later(run.folder, first, options())[0]]


def same_examples(a: Run, b: Run) -> bool:
    """Whether both were evaluated on the same data, as far as settings and checksums say."""
    data = [
        (canonical(run.config.get("dataset")), run.config.get("max_examples")) for run in (a, b)
    ]
    said = [[run.read().get(key) for key in ("data", "own_files")] for run in (a, b)]
    return data[0] == data[1] and said[0] == said[1]


def seen(settings: Mapping[str, Any]) -> list[Any]:
    """What decides which examples of a split an evaluation draws."""
    return [settings.get(key) for key in ("seed", "examples", "autoregressive_examples")]
