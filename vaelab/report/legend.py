"""A run in words, by the settings in which runs differ: "vamp, phi.lr 0.001, theta.lr 0.0005"."""

import re
from collections.abc import Collection, Sequence

from vaelab.report.settings import Flat

NAMELESS = re.compile(r"[-+\d.e]+|true|false|\[.*\]")  # values that say nothing without a name


def parts(names: Sequence[str], settings: Flat, choices: Collection[str]) -> list[str]:
    """An entry a setting: a choice as it is, a number with its name, nothing of what is not set.

    Settings of one name at several places (the lr of both optimizers) are said once where they
    have one value, and told apart by their places where they have not.
    """
    values = {name: settings.get(name, "null") for name in names}
    found, done = [], set()
    for name, value in values.items():
        like = [one for one in names if one == name or akin(one, name, choices)]
        alike = len({values[one] for one in like}) == 1
        said = name.rpartition(".")[2] if alike else suffix(name, names)
        bare = alike and not NAMELESS.fullmatch(value)
        found.append(
            "" if value == "null" or name in done else value if bare else f"{said} {value}"
        )
        done |= set(like) if alike else set()
    return found


def akin(one: str, other: str, choices: Collection[str]) -> bool:
    """Whether two settings have one name, or are places of one group (both optimizers)."""
    (above, last), (over, end) = (name.rpartition(".")[::2] for name in (one, other))
    return last == end or (above == over != "" and {one, other} <= set(choices))


def suffix(name: str, names: Sequence[str]) -> str:
    """As many of its last words as no other name ends with."""
    words = name.split(".")
    ends = (".".join(words[at:]) for at in range(len(words) - 1, 0, -1))
    others = [one for one in names if one != name]
    return next(
        (end for end in ends if not any(f".{one}".endswith(f".{end}") for one in others)), name
    )
