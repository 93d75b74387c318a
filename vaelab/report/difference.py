"""What two runs differ in besides their metrics: settings, data, what only one of them has."""

from collections.abc import Mapping
from typing import Any

from vaelab.composing.identity import NAMED, canonical
from vaelab.report.compared import evaluations
from vaelab.report.settings import ELSEWHERE, Flat, flat
from vaelab.runs.run import Run


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


def data(a: Run, b: Run) -> str:
    """What their settings do not say: that they were trained on other data; or empty."""
    one, other = a.read(), b.read()
    files = [found.get("own_files") or {} for found in (one, other)]
    if any(files[0][name] != files[1][name] for name in files[0].keys() & files[1].keys()):
        return "A and B were trained on different files"
    if canonical(a.config.get("dataset")) != canonical(b.config.get("dataset")):
        return ""  # what that changes is among the settings
    if any(files) and not all(files):
        which = "AB"[files.index({})]
        return f"{which} keeps no checksums of its files, which may be others"
    said = [found.get("data") or {} for found in (one, other)]
    names = [name for name in said[0] if name in said[1] and said[0][name] != said[1][name]]
    return f"A and B were trained on different data: {', '.join(names)}" if names else ""


def only(a: Run, b: Run) -> list[str]:
    """What A has and B has not: metrics, evaluations, figures."""
    (one, *more), others = evaluations(a), evaluations(b)
    found = [
        f"{split} {name}"
        for split in one.metrics
        for name in one.metrics[split]
        if name not in others[0].metrics.get(split, {})
    ]
    keys = {other.key for other in others}
    found += [f"evaluation {made.title}" for made in more if made.key not in keys]
    drawn = ({path.name for path in run.figures.glob("*")} for run in (a, b))
    figures = next(drawn) - next(drawn)
    return [*found, *(f"figure {name}" for name in sorted(figures))]
