"""Draw from the model of a trained run, or reconstruct and interpolate with it."""

import argparse
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vaelab.command._arguments import Arguments, whole
from vaelab.errors import UserError

USAGE = "RUN [--count N] [--component K] [--seed S] [NAME=VALUE ...]"
HELP = """
  --count N       how many (64)
  --component K   from one component of a mixture prior, counted from 0
  --seed S        of the draws (0)

  decode=sampled  how sentences are chosen: sampled (what draws are without it), greedy
                  (all else), or beam
  temperature=1.0 of decode=sampled; beam=5, of decode=beam
  reconstruct=N   instead: N test examples and what comes back
  z=sample        of them, from a sample of the posterior, as in the paper, or its mean
  from=A to=B     instead: decode the way between two sentences or two test images
                  (by number), in steps=7
  Settings such as lightning=cpu or threads=2 are those of train.

  vaelab sample RUN decode=beam beam=10 --count 20
  vaelab sample RUN reconstruct=30
  vaelab sample RUN from="the food was great" to="i will not come back" steps=9"""

SHOWN = 12  # lines of what was written


def run(arguments: list[str]) -> int:
    """Sample from RUN's model, show the first lines of text, and print where the files are."""
    parser = Arguments("sample", USAGE)
    parser.add_argument("run", nargs="?", metavar="RUN")
    parser.add_argument("words", nargs="*", metavar="NAME=VALUE")
    parser.add_argument("--count", type=whole(1))
    parser.add_argument("--component", type=whole(0))
    parser.add_argument("--seed", type=whole(0), default=0)
    given = parser.parse_intermixed_args(arguments)
    if given.help:
        return parser.explain(f"{__doc__}\n{HELP}")
    options, overrides = apart(given.words)
    if given.count is not None:
        options["--count"] = given.count
    if given.component is not None:
        options["--component"] = given.component
    check(options)
    from vaelab.runs import run as runs

    found = runs.find(parser.required(given.run, "RUN"))
    from vaelab.runs.again import settings_for

    config = settings_for(found, overrides, evaluation="quick")
    from vaelab.evaluation.generate import Asked, sample_run

    named = {ARGUMENTS.get(name, name): value for name, value in options.items()}
    if "from" in named:
        named["ends"] = (named.pop("from"), named.pop("to"))
    paths = sample_run(found, config, Asked(**named, seed=given.seed))
    show(paths)
    return 0


def show(paths: list[Path]) -> None:
    """The first lines of text files, then where all are."""
    from vaelab.reporting.text import head

    width = shutil.get_terminal_size((160, 24)).columns
    for path in paths:
        if path.suffix == ".txt":
            print("\n".join(head(path, SHOWN, width)))
    for path in paths:
        print(path)


def one_of(*names: str) -> Callable[[str], str]:
    """A type of option: one of these words."""

    def read(text: str) -> str:
        if text not in names:
            raise argparse.ArgumentTypeError(f"{text}: must be {' or '.join(names)}")
        return text

    return read


def positive(text: str) -> float:
    """A type of option: a number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text}: must be a number above 0")
    return value


def quoted(text: str) -> str:
    """A type of option: words, in quotes or not."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


CHOICES = {"decode": ("sampled", "greedy", "beam"), "z": ("sample", "mean")}
OPTIONS: dict[str, Callable[[str], Any]] = {
    "decode": one_of(*CHOICES["decode"]),
    "beam": whole(1),
    "temperature": positive,
    "reconstruct": whole(1),
    "z": one_of(*CHOICES["z"]),
    "from": quoted,
    "to": quoted,
    "steps": whole(2),
}
ARGUMENTS = {"--count": "count", "--component": "component", "beam": "width", "z": "which"}
# What an option has no effect without; the first of them is what to add.
NEEDS = {
    "beam": "decode=beam",
    "temperature": "decode=sampled",
    "z": "reconstruct",
    "from": "to",
    "to": "from",
    "steps": "from",
}
# What asks for something else than draws.
INSTEAD = ("reconstruct", "from")


def apart(words: list[str]) -> tuple[dict[str, Any], list[str]]:
    """This command's own options, and settings of train.

    Raises:
        UserError: an option has a value it cannot have.
    """
    options, overrides = {}, []
    for word in words:
        name, equals, value = word.partition("=")
        if name not in OPTIONS or not equals:
            overrides.append(word)
            continue
        try:
            options[name] = OPTIONS[name](value)
        except argparse.ArgumentTypeError as error:
            raise UserError(f"{name}={error}") from error
    return options, overrides


def check(options: dict[str, Any]) -> None:
    """Refuse options without effect.

    Raises:
        UserError: one needs another, or two exclude each other.
    """
    instead = [name for name in INSTEAD if name in options]
    if len(instead) == 2:
        raise UserError("reconstruct and from exclude each other; leave one out")
    for name in ("--count", "--component"):
        if name in options and instead:
            raise UserError(f"{name} has no effect with {instead[0]}=; leave it out")
    how = options.get("decode", "greedy" if instead else "sampled")
    there = {*options, f"decode={how}"}
    for name, needed in NEEDS.items():
        if name in options and needed not in there:
            raise UserError(f"{name}={options[name]} has no effect without {needed}; add it")
