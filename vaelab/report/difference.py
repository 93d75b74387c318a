"""Two runs held against each other: settings, and metrics with the error of their difference."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaelab.errors import UserError
from vaelab.identity import NAMED, canonical
from vaelab.report.settings import ELSEWHERE, Flat, flat
from vaelab.report.shape import finite, misshapen
from vaelab.run import Run

INDEPENDENT = "independent"
SAME = "same examples, as if independent"
PAIRED = "same examples, paired"
OWN = "results"
Metrics = Mapping[str, Mapping[str, Mapping[str, Any]]]  # by split, then name


@dataclass(frozen=True)
class Compared:
    """One metric that both runs have.

    Attributes:
        source: "results", or an evaluation made later.
        difference: B - A.
        se: its standard error; None where one of the two has none.
        how: what `se` supposes of the two.
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

    @property
    def difference(self) -> float:
        """B - A; 0 of two that are the same, infinite or not a number too."""
        same = self.a == self.b or (math.isnan(self.a) and math.isnan(self.b))
        return 0.0 if same else self.b - self.a


def settings(a: Run, b: Run) -> list[tuple[str, str | None, str | None]]:
    """Name and both values of what differs: choices, what makes a run, then where and how.

    None where a run has no such setting.
    """
    one, other = whole(a.config), whole(b.config)
    names = [name for name in one | other if one.get(name) != other.get(name)]
    names.sort(key=elsewhere)  # stable: choices stay first
    found = [(name, one.get(name), other.get(name)) for name in names]
    # One option that means two classes: a YAML of one's own was changed.
    kinds = classes(a.config), classes(b.config)
    for name in kinds[0]:
        x, y = (kind.get(name) for kind in kinds)
        if x != y and one.get(name) == other.get(name):
            found.append((f"{name}._target_", x, y))
    return found


def elsewhere(name: str) -> bool:
    """Whether a setting says where and how a run is done, not what it is; the seed does."""
    return name.partition(".")[0] in ELSEWHERE - {"seed"}


def whole(config: Mapping[str, Any]) -> Flat:
    """Every setting by name, choices in the order that names a folder."""
    found = flat(config)
    return {name: found[name] for name in NAMED if name in found} | found


def classes(config: Mapping[str, Any]) -> Flat:
    """The class of every component, under the name that it is chosen by."""
    nodes = {name: node for name, node in config.items() if isinstance(node, Mapping)}
    return {name: str(node["_target_"]) for name, node in nodes.items() if "_target_" in node}


def metrics(a: Run, b: Run) -> Iterator[Compared]:
    """Every metric that both have: of their own results, and of evaluations made alike."""
    one, other = results(a), results(b)
    alike = same_examples(a, b)
    yield from both(OWN, one, other, alike and seen(a.config) == seen(b.config))
    for name in sorted(evaluations(a) & evaluations(b)):
        one, other = evaluation(a, name), evaluation(b, name)
        yield from both(f"evaluation {name}", one, other, alike)
        if alike:
            yield from paired(a, b, name)


def results(run: Run) -> Metrics:
    """A run's own metrics.

    Raises:
        UserError: its results.json is damaged.
    """
    found = run.read()
    if fault := misshapen(found):
        raise UserError(f"{run.results}: damaged, {fault}; delete it to train this run again")
    return found.get("metrics") or {}


def both(source: str, a: Metrics, b: Metrics, alike: bool) -> Iterator[Compared]:
    """Metrics of splits that two results share."""
    for split in a:
        for name in a[split]:
            one, other = a[split][name], b.get(split, {}).get(name, {})
            if one.get("value") is None or other.get("value") is None:
                continue
            same = alike and one.get("n") == other.get("n")
            errors = finite(one.get("se")), finite(other.get("se"))
            se = None if None in errors else math.hypot(*(error or 0.0 for error in errors))
            how = "" if se is None else SAME if same else INDEPENDENT
            values = one["value"], other["value"]
            yield Compared(source, split, name, *values, *errors, se, how)


def paired(a: Run, b: Run, name: str) -> Iterator[Compared]:
    """Metrics kept by example (evaluation.per_example=true), where the examples are the same."""
    for path in sorted((a.folder / "evaluations").glob(f"{name}-*.npz")):
        beside = b.folder / "evaluations" / path.name
        if not beside.is_file():
            continue
        import numpy as np

        with np.load(path) as one, np.load(beside) as other:
            if not np.array_equal(one["index"], other["index"]) or len(one["index"]) < 2:
                continue
            for metric in ("nll", "elbo", "iwae", "log_likelihood"):
                if metric not in one or metric not in other:
                    continue
                x, y = one[metric].astype(float), other[metric].astype(float)
                se_a, se_b, se = (float(v.std(ddof=1)) / math.sqrt(len(v)) for v in (x, y, y - x))
                split = path.stem.partition("-")[2]
                means = float(x.mean()), float(y.mean())
                yield Compared(f"evaluation {name}", split, metric, *means, se_a, se_b, se, PAIRED)


def only(a: Run, b: Run) -> list[str]:
    """What A has and B has not: metrics, evaluations, figures."""
    one, other = results(a), results(b)
    found = [
        f"{split} {name}"
        for split in one
        for name in one[split]
        if name not in other.get(split, {})
    ]
    found += [f"evaluation {name}" for name in sorted(evaluations(a) - evaluations(b))]
    drawn = ({path.name for path in run.figures.glob("*")} for run in (a, b))
    figures = next(drawn) - next(drawn)
    return [*found, *(f"figure {name}" for name in sorted(figures))]


def same_examples(a: Run, b: Run) -> bool:
    """Whether both were evaluated on the same data, as far as settings and checksums say."""
    data = [
        (canonical(run.config.get("dataset")), run.config.get("max_examples")) for run in (a, b)
    ]
    said = [[run.read().get(key) for key in ("data", "own_files")] for run in (a, b)]
    return data[0] == data[1] and said[0] == said[1]


def seen(config: Mapping[str, Any]) -> list[Any]:
    """What decides which examples of a split an evaluation draws."""
    node = config.get("evaluation") or {}
    return [node.get(key) for key in ("seed", "examples", "autoregressive_examples")]


def evaluations(run: Run) -> set[str]:
    """Names of those made after training."""
    return {path.stem for path in (run.folder / "evaluations").glob("[!.]*.json")}


def evaluation(run: Run, name: str) -> Metrics:
    """Metrics of one; none where its file cannot be read."""
    path = Path(run.folder, "evaluations", f"{name}.json")
    try:
        return json.loads(path.read_text(encoding="utf-8"))["metrics"]
    except (OSError, json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
        return {}
