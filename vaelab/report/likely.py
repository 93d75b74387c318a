"""Which runs a cell of a table may be of, read from its words alone.

Composing a cell takes a fifth of a second, and there are hundreds. What a cell says in words (a
group's option, a value) must be so in a run that is of it, so most cells are ruled out in no time.
Whether the others are such runs is not decided here.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from vaelab.composing import groups
from vaelab.composing.identity import LEFT_OUT
from vaelab.report.settings import flat, leaves

CHOSEN = re.compile(r"^\s*-\s*override\s+/(\w+)(?:@([\w.]+))?:\s*(\S+)", re.MULTILINE)
PRESET = "experiment"
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
Words = dict[str, str]


def demanded(overrides: Sequence[str], folders: tuple[Path, ...]) -> Words:
    """Name -> value of all that a cell's overrides say, its preset's content included."""
    typed = [text.partition("=")[::2] for text in overrides]
    named = [(name.rpartition("@")[2], value) for name, value in typed]
    words: Words = {}
    for name, value in named:
        words |= preset(value, folders) if name == PRESET else {}
    for name, value in named:  # wherever a preset stands, what is typed beside it wins
        if name == PRESET:
            continue
        # Another option takes a preset's values below it away.
        places = [name, *(place for place, group in mounts(folders[0]) if group == name)]
        words = {key: one for key, one in words.items() if not under(key, places)}
        words |= dict.fromkeys((places[1:] or places), value)
    return {key: one for key, one in words.items() if key.partition(".")[0] not in LEFT_OUT}


def possible(words: Words, settings: Mapping[str, str]) -> bool:
    """Whether a run's settings (`flat`) contradict none of them; names it lacks do not count."""
    return all(name not in settings or same(value, settings[name]) for name, value in words.items())


def same(typed: str, value: str) -> bool:
    """Whether a value may be what was typed; lists and quotes are left to be composed."""
    if typed == value or (typed and typed[0] in "[{'\"$"):
        return True
    if NUMBER.fullmatch(typed) and NUMBER.fullmatch(value):
        return float(typed) == float(value)
    return typed.lower() == value.lower()


@cache
def preset(name: str, folders: tuple[Path, ...]) -> Words:
    """What a preset chooses and sets; nothing where there is none of this name."""
    path = groups.options(PRESET, *folders).get(name)
    if path is None:
        return {}
    text = path.read_text(encoding="utf-8")
    chosen = {place or group: option for group, place, option in CHOSEN.findall(text)}
    found: dict[str, Any] = yaml.safe_load(text) or {}
    found.pop("defaults", None)
    return flat({"choices": chosen, **dict(leaves(found))})


@cache
def mounts(folder: Path) -> tuple[tuple[str, str], ...]:
    """Places of groups that are mounted under another name."""
    return tuple(groups.mounts(folder).items())


def under(key: str, places: Sequence[str]) -> bool:
    """Whether a name is one of them or below one."""
    return any(key == place or key.startswith(f"{place}.") for place in places)
