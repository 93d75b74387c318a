"""Does a value from YAML fit a type annotation? In words a user can read; no framework."""

import types
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin

WORDS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    type(None): "null",
}
LISTS = (list, tuple, Sequence)
MAPPINGS = (dict, Mapping)


def mismatch(value: object, annotation: Any) -> str:
    """Words such as "must be true or false" where the value does not fit, else the empty string."""
    return "" if fits(value, annotation) else f"must be {words(annotation)}"


def fits(value: object, annotation: Any) -> bool:
    """Whether the value may be given; annotations not known here accept everything."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return any(fits(value, one) for one in arguments)
    if origin is Literal:
        return any(value == one and type(value) is type(one) for one in arguments)
    if annotation is None or annotation is type(None):
        return value is None
    if annotation is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if annotation is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if annotation in (bool, str):
        return isinstance(value, annotation)
    if origin in MAPPINGS or annotation in MAPPINGS:
        return isinstance(value, Mapping)
    if origin in LISTS or annotation in LISTS:
        if not isinstance(value, list | tuple):
            return False
        if origin is tuple and arguments and arguments[-1] is not ...:
            return len(value) == len(arguments) and all(map(fits, value, arguments))
        return not arguments or all(fits(one, arguments[0]) for one in value)
    return True


def settle(value: Any, annotation: Any) -> Any:
    """The value in its annotated type: 2 for a float becomes 2.0, a list for a tuple a tuple."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        exact = [one for one in arguments if fits(value, one) and one is not float]
        fitting = exact or [one for one in arguments if fits(value, one)]
        return settle(value, fitting[0]) if fitting else value
    if annotation is float and fits(value, float):
        return float(value)
    if isinstance(value, list | tuple) and fits(value, annotation):
        inner = arguments[0] if arguments else Any
        if origin is tuple and arguments[-1] is not ...:
            settled = [settle(one, kind) for one, kind in zip(value, arguments, strict=True)]
        else:
            settled = [settle(one, inner) for one in value]
        return tuple(settled) if tuple in (origin, annotation) else settled
    return value


def words(annotation: Any) -> str:
    """An annotation as a phrase: "one of data, random or null"."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        if any(get_origin(one) is Literal for one in arguments):
            return words(Literal[tuple(_flat(arguments))])  # pyright: ignore
        return _either([words(one) for one in arguments])
    if origin is Literal:
        names = ["null" if one is None else str(one) for one in arguments]
        return ("one of " if len(names) > 1 else "") + _either(names)
    if annotation is None:
        return "null"
    if origin in MAPPINGS or annotation in MAPPINGS:
        return "a mapping of names to values"
    if origin in LISTS or annotation in LISTS:
        if origin is tuple and arguments and arguments[-1] is not ...:
            return f"a list of {len(arguments)}: {', '.join(map(words, arguments))}"
        inner = f", each {words(arguments[0])}" if arguments else ""
        return f"a list{inner}"
    return WORDS.get(annotation, str(annotation))


def _flat(alternatives: tuple[Any, ...]) -> list[Any]:
    """The values of the Literals in a union, and the other types as phrases."""
    values: list[Any] = []
    for one in alternatives:
        values += get_args(one) if get_origin(one) is Literal else [words(one)]
    return values


def _either(names: list[str]) -> str:
    """As "a, b or c"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
