"""From the mapping below `space` in a YAML to parameters; every fault names its key."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from vaelab.composing.settings import shown
from vaelab.composing.spelling import nearest
from vaelab.composing.typed import mismatch
from vaelab.errors import UserError
from vaelab.search.space import Choice, Parameter, Range, Space

RANGE: dict[str, Any] = {"low": float, "high": float, "log": bool, "step": float, "int": bool}
VALUES: dict[str, Any] = {"values": list}
WHEN: dict[str, Any] = {"when": dict}


def parameters(given: Mapping[Any, Any]) -> Space:
    """The parameters of a space, in the order written.

    A key is a setting of `vaelab train`, or several with commas between, which are then equal. Its
    value is a list; or a mapping with `values`, or with `low` and `high`, and perhaps `when`.

    Raises:
        UserError: naming the key.
    """
    found: dict[str, Parameter] = {}
    taken: set[str] = set()
    for key, node in given.items():
        settings = tuple(one.strip() for one in str(key).split(","))
        if not all(settings):
            raise UserError(f"space.{key}: a name is missing between commas")
        for name in settings:
            if name in taken:
                raise UserError(f"space.{key}: {name} is searched twice")
            taken.add(name)
        where = f"space.{key}"
        node: Any = {"values": node} if isinstance(node, list) else node
        if not isinstance(node, dict):
            raise UserError(f"{where}={shown(node)}: must be a list, or low and high of a range")
        known = (VALUES if "values" in node else RANGE) | WHEN
        check(where, node, known)
        domain = _choice(where, node["values"]) if "values" in node else _range(where, node)
        one = Parameter(settings, domain, _when(where, node.get("when", {}), found))
        found[one.name] = one
    return tuple(found.values())


def check(where: str, given: object, known: Mapping[str, Any]) -> None:
    """Refuse a key that means nothing here, or a value of a wrong type."""
    if not isinstance(given, dict):
        raise UserError(f"{where}: must be a mapping of names to values")
    for key, value in given.items():
        if key not in known:
            raise UserError(f"{where}: {key}: no such setting{nearest(str(key), list(known))}")
        if fault := mismatch(value, known[key]):
            raise UserError(f"{where}: {key}={shown(value)}: {fault}")


def spelt(value: Any) -> str:
    """A value as it is typed on the command line."""
    if isinstance(value, list | tuple):
        return f"[{','.join(map(spelt, value))}]"
    if isinstance(value, dict):
        raise UserError(
            f"{value}: must be one value; write the names in full, as in prior.components"
        )
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, str) and not re.fullmatch(r"[\w./\[\],+-]+", value):
        return json.dumps(value, ensure_ascii=False)
    return shown(value)


def _choice(where: str, values: list[Any]) -> Choice:
    texts = tuple(map(spelt, values))
    if not texts:
        raise UserError(f"{where}: the list is empty; name two values or more")
    if len(set(texts)) < len(texts):
        raise UserError(f"{where}: {', '.join(texts)}: names a value twice")
    return Choice(texts)


def _range(where: str, node: Mapping[str, Any]) -> Range:
    if missing := [key for key in ("low", "high") if key not in node]:
        raise UserError(f"{where}: {missing[0]} is missing; write a list, or low and high")
    low, high, step = float(node["low"]), float(node["high"]), node.get("step")
    log, whole = node.get("log", False), node.get("int", False)
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UserError(f"{where}: low={low:g} must be below high={high:g}")
    if log and low <= 0:
        raise UserError(f"{where}: low={low:g}: must be above 0 with log: true")
    if log and step is not None:
        raise UserError(f"{where}: step={step:g}: cannot be used with log: true; leave one out")
    if step is not None and not 0 < step <= high - low:
        raise UserError(f"{where}: step={step:g}: must be above 0 and not pass high - low")
    for key, value in (("low", low), ("high", high), ("step", step)):
        if whole and value is not None and value != int(value):
            raise UserError(f"{where}: {key}={value:g}: must be a whole number with int: true")
    return Range(low, high, log, None if step is None else float(step), whole)


def _when(
    where: str, given: Mapping[Any, Any], before: Mapping[str, Parameter]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    found = []
    for key, values in given.items():
        other = before.get(str(key))
        if other is None or not isinstance(other.domain, Choice):
            lists = [name for name, one in before.items() if isinstance(one.domain, Choice)]
            raise UserError(
                f"{where}: when.{key}: must be a list of the space that stands before it"
                f"{nearest(str(key), lists)}"
            )
        texts = tuple(map(spelt, values if isinstance(values, list) else [values]))
        for text in texts:
            if text not in other.domain.texts:
                raise UserError(
                    f"{where}: when.{key}={text}: not one of its values"
                    f"{nearest(text, other.domain.texts)}"
                )
        found.append((other.name, texts))
    return tuple(found)
