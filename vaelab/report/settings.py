"""Settings by dotted name, and the few of them by which runs differ."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vaelab.composing.identity import LEFT_OUT, NAMED, canonical
from vaelab.report.record import Record

OF_THE_EVALUATION = "evaluation"
# Where and how: of no run's numbers, so no column of a table.
ELSEWHERE = LEFT_OUT - {OF_THE_EVALUATION}
Flat = dict[str, str]


def flat(config: Mapping[str, Any]) -> Flat:
    """Choices by the group's place ("prior", "optimizer.phi"), then settings ("prior.components").

    Values as they are typed; 2 and 2.0 are one. Classes are left to the choices that name them.
    """
    chosen = {str(name): str(option) for name, option in (config.get("choices") or {}).items()}
    rest = {key: value for key, value in config.items() if key != "choices"}
    return chosen | {name: said(value) for name, value in leaves(rest)}


def leaves(node: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is no mapping, by dotted name."""
    for key, value in node.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from leaves(value, f"{name}.")
        elif key != "_target_":
            yield name, value


def said(value: Any) -> str:
    """As it is typed on the command line."""
    value = canonical(value)
    if value is None or isinstance(value, bool | list):
        return json.dumps(value, ensure_ascii=False).replace(" ", "")
    return str(value)


def typed_names(texts: Sequence[str]) -> list[str]:
    """Names that overrides set: "optimizer@optimizer.phi=adam" sets optimizer.phi."""
    names = (text.partition("=")[0].rpartition("@")[2] for text in texts)
    return [name for name in names if not name.startswith("hydra")]


def differing(records: Sequence[Record]) -> list[str]:
    """The least names that tell apart runs of other settings: what was typed, then what was not.

    A setting of a component counts only among runs that chose this component (`prior.components`
    says nothing between a VampPrior and a standard prior), unless it was typed. What follows from
    names before it is left out: the likelihood from the data set, all of a preset from its name.
    Groups that folders are named by come first.
    """
    flats = [flat(record.settings) for record in records if record.config]
    typed = dict.fromkeys(name for record in records for name in typed_names(record.typed))
    every = dict.fromkeys(name for one in flats for name in one)
    kept: list[str] = []
    for name in [*typed, *every]:
        if name.partition(".")[0] in ELSEWHERE or name in kept or name not in every:
            continue
        if name in typed:
            if len({one.get(name) for one in flats}) > 1:
                kept.append(name)
        elif among_like(name, flats) and not follows(name, kept, flats):
            kept.append(name)
    return [*(name for name in NAMED if name in kept), *(n for n in kept if n not in NAMED)]


def among_like(name: str, flats: Sequence[Flat]) -> bool:
    """Whether it differs among runs that have it and chose the same component to have it."""
    found: dict[str | None, set[str]] = {}
    for one in flats:
        if name in one:
            found.setdefault(holder(name, one), set()).add(one[name])
    return any(len(values) > 1 for values in found.values())


def holder(name: str, one: Flat) -> str | None:
    """The option of the group that a setting is in; optimizer.phi.lr is of optimizer.phi."""
    parent = name
    while parent := parent.rpartition(".")[0]:
        if parent in one:
            return one[parent]
    return None


def follows(name: str, kept: Sequence[str], flats: Sequence[Flat]) -> bool:
    """Whether runs that are alike in what is kept are alike in this."""
    found: dict[tuple[str | None, ...], str | None] = {}
    for one in flats:
        key = tuple(one.get(other) for other in kept)
        if found.setdefault(key, one.get(name)) != one.get(name):
            return False
    return True
