"""What is searched: settings with the values they may take, and when each of them matters."""

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vaelab.errors import UserError

if TYPE_CHECKING:
    from optuna import Trial

DIGITS = 4  # of a number that was drawn; more change nothing but the length of a command


@dataclass(frozen=True)
class Choice:
    """One of several values, each as it is typed on the command line."""

    texts: tuple[str, ...]

    def suggest(self, trial: "Trial", name: str) -> str:
        """A value that the sampler chooses, as it is typed."""
        return trial.suggest_categorical(name, self.texts)

    def text(self, value: str) -> str:
        """A value as it is typed."""
        return value

    def points(self) -> tuple[str, ...]:
        """Every value, for a grid."""
        return self.texts

    samples = points  # values that show what is wrong with any

    def __str__(self) -> str:
        return ", ".join(self.texts)


@dataclass(frozen=True)
class Range:
    """A number between two others, both included.

    Attributes:
        log: even on a logarithmic scale.
        step: between neighbouring values from `low` on; None: every value.
        whole: whole numbers only.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None
    whole: bool = False

    def suggest(self, trial: "Trial", name: str) -> str:
        """A value that the sampler chooses, as it is typed."""
        if self.whole:
            step, low, high = int(self.step or 1), int(self.low), int(self.high)
            return self.text(trial.suggest_int(name, low, high, step=step, log=self.log))
        found = trial.suggest_float(name, self.low, self.high, step=self.step, log=self.log)
        return self.text(found)

    def text(self, value: float) -> str:
        """A value as it is typed, inside the range however it is rounded."""
        if self.whole:
            return str(int(value))
        digits = DIGITS if self.step is None else 10  # a step's values are round
        return f"{min(max(float(f'{value:.{digits}g}'), self.low), self.high):.10g}"

    def points(self) -> tuple[float, ...]:
        """Every value, for a grid; none where there is no end to them."""
        if self.step is None and (self.log or not self.whole):
            return ()
        step = self.step or 1
        count = math.floor((self.high - self.low) / step + 1e-9) + 1
        found = (self.low + step * at for at in range(count))
        return tuple(int(one) if self.whole else one for one in found)

    def samples(self) -> tuple[float, ...]:
        """Both ends and a number between them that is not whole unless all are."""
        if self.step is not None or self.whole:
            return self.low, self.high
        return self.low, self.high, self.low + (self.high - self.low) * (math.sqrt(5) - 1) / 2

    def __str__(self) -> str:
        kind = "whole numbers, " if self.whole else ""
        between = f"{kind}{self.text(self.low)} to {self.text(self.high)}"
        step = "" if self.step is None else f" in steps of {self.step:g}"
        return between + step + (", logarithmic" if self.log else "")


@dataclass(frozen=True)
class Parameter:
    """One thing that is drawn, and the settings that take its value.

    Attributes:
        settings: one name or several that are always equal.
        when: (name of another parameter, its values with which this one is drawn).
    """

    settings: tuple[str, ...]
    domain: Choice | Range
    when: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def name(self) -> str:
        """What studies, tables and figures call it."""
        return ", ".join(self.settings)

    def active(self, chosen: Mapping[str, str]) -> bool:
        """Whether it matters, given the parameters before it."""
        return all(chosen.get(name) in texts for name, texts in self.when)

    def __str__(self) -> str:
        given = " and ".join(f"{name}={' or '.join(texts)}" for name, texts in self.when)
        return f"{self.name}: {self.domain}" + (f" (with {given})" if given else "")


Space = tuple[Parameter, ...]  # a parameter stands after those that it depends on


def suggest(space: Space, trial: "Trial") -> dict[str, str]:
    """Have the sampler draw every parameter that matters; each as it is typed."""
    chosen: dict[str, str] = {}
    for one in space:
        if one.active(chosen):
            chosen[one.name] = one.domain.suggest(trial, one.name)
    return chosen


def overrides(space: Space, chosen: Mapping[str, str]) -> list[str]:
    """The words of `vaelab train` for parameters that were drawn."""
    drawn = [(one, chosen[one.name]) for one in space if one.name in chosen]
    return [f"{setting}={text}" for one, text in drawn for setting in one.settings]


def grid(space: Space) -> list[dict[str, Any]]:
    """Every combination once, the first parameter the slowest; values as a study stores them.

    Raises:
        UserError: a range has no steps.
    """
    for one in space:
        if not one.domain.points():
            raise UserError(f"{one.name}: a grid needs a list of values, or a range with a step")
    return [found for found, _ in _grid(space, {}, {})]


def _grid(
    space: Space, found: dict[str, Any], texts: dict[str, str]
) -> Iterator[tuple[dict[str, Any], dict[str, str]]]:
    if not space:
        yield found, texts
        return
    first, rest = space[0], space[1:]
    if not first.active(texts):
        yield from _grid(rest, found, texts)
        return
    points = ((one, first.domain.text(one)) for one in first.domain.points())  # pyright: ignore
    parts = (
        _grid(rest, found | {first.name: one}, texts | {first.name: text}) for one, text in points
    )
    yield from itertools.chain.from_iterable(parts)
