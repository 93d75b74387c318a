"""A search as data: a YAML in configs/search, or the user's own file, and what is typed on top."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from vaelab.composing import groups
from vaelab.composing.spelling import nearest
from vaelab.composing.typed import mismatch
from vaelab.errors import UserError
from vaelab.search.names import BOUND, MEASURES, METRICS, OWN, PREFIX, PRUNERS, SAMPLERS
from vaelab.search.read import check, parameters, spelt
from vaelab.search.space import Space

GROUP = "search"
KEYS: dict[str, Any] = {
    "space": dict,
    "settings": dict,
    "seeds": list[int],
    "trials": int,
    "metric": str,
    "sampler": str,
    "pruner": str,
    "timeout": float | None,
}


@dataclass(frozen=True)
class Spec:
    """A search that can be run.

    Attributes:
        name: of its YAML.
        path: of its YAML.
        settings: fixed for every trial, as typed, by name.
        seeds: runs of one trial, whose mean is its value.
        trials: complete or pruned, all commands of the study together.
        metric: "bound" or "valid/NAME".
        timeout: seconds after which a command begins no trial; None: never.
    """

    name: str
    path: Path
    space: Space
    settings: Mapping[str, str]
    seeds: tuple[int, ...] = (1,)
    trials: int = 30
    metric: str = BOUND
    sampler: str = "tpe"
    pruner: str = "median"
    timeout: float | None = None

    @property
    def maximize(self) -> bool:
        """Whether more of the metric is better."""
        return self.metric == BOUND or MEASURES[self.metric.removeprefix(PREFIX)]

    @property
    def fixed(self) -> list[str]:
        """The settings as words of `vaelab train`."""
        return [f"{name}={text}" for name, text in self.settings.items()]


def find(name: str, *folders: Path) -> Spec:
    """The search that `space=NAME` or `space=FILE.yaml` means.

    Raises:
        UserError: there is none, or its YAML is wrong; names the file and the key.
    """
    known = groups.options(GROUP, *folders)
    path = known.get(name) or Path(name)
    if name not in known and not (path.suffix in (".yaml", ".yml") and path.is_file()):
        if path.suffix in (".yaml", ".yml"):
            raise UserError(f"space={name}: no such file")
        raise UserError(f"space={name}: no such search{nearest(name, list(known))}")
    return read(path)


def read(path: Path) -> Spec:
    """The search in a YAML.

    Raises:
        UserError: it is wrong; names the file and the key.
    """
    given = _load(path)
    check(str(path), given, KEYS)
    if not given.get("space"):
        raise UserError(f"{path}: space: must name one setting or more, each with its values")
    own = {key: given[key] for key in OWN if key in given}
    try:
        settings = {str(key): spelt(value) for key, value in given.get("settings", {}).items()}
        spec = Spec(path.stem, path, parameters(given["space"]), settings)
        return settle(spec, own)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def typed(spec: Spec, words: list[str]) -> Spec:
    """The search with NAME=VALUE words on top: its own settings, and fixed ones of every trial.

    Raises:
        UserError: a word cannot be meant.
    """
    own: dict[str, Any] = {}
    settings = dict(spec.settings)
    for word in words:
        name, equals, value = word.partition("=")
        name = "seeds" if name == "seed" else name
        if not equals:
            raise UserError(f"{word}: write NAME=VALUE")
        if name in OWN:
            own[name] = _value(name, value)
        else:
            settings[name] = value
    return settle(replace(spec, settings=settings), own)


def settle(spec: Spec, own: Mapping[str, Any]) -> Spec:
    """A search with some of its own settings replaced, each checked.

    Raises:
        UserError: one of them is wrong.
    """
    for key, value in own.items():
        if fault := mismatch(value, KEYS[key]) or _senseless(key, value):
            raise UserError(f"{key}={spelt(value)}: {fault}")
    spec = replace(spec, **{k: tuple(v) if isinstance(v, list) else v for k, v in own.items()})
    if spec.metric != BOUND and spec.pruner != "none" and "metric" in own and "pruner" in own:
        raise UserError(
            f"pruner={spec.pruner}: goes by the bound; set pruner=none, or metric=bound"
        )
    # Bounds of epochs say little of a metric of the end: unless asked for, nothing is pruned.
    if spec.metric != BOUND:
        spec = replace(spec, pruner="none")
    searched = [name for one in spec.space for name in one.settings]
    if taken := [name for name in searched if name in spec.settings]:
        raise UserError(
            f"{taken[0]}={spec.settings[taken[0]]}: {taken[0]} is searched; leave it out"
        )
    return spec


def _senseless(key: str, value: Any) -> str:
    """What is wrong with a value of the right type; empty if nothing is."""
    if key == "seeds":
        fine = value and min(value) >= 0 and len(set(value)) == len(value)
        return "" if fine else "must be different whole numbers of at least 0, one or more"
    if key == "trials":
        return "" if value >= 1 else "must be 1 or more"
    if key == "timeout":
        return "" if value is None or value > 0 else "must be seconds above 0, or null"
    if key == "metric":
        return _no_metric(value)
    known = SAMPLERS if key == "sampler" else PRUNERS
    return "" if value in known else f"no such {key}{nearest(value, known)}"


def _no_metric(name: str) -> str:
    if name.startswith("test"):
        return f"test data never select anything; choose {BOUND} or {PREFIX}nll"
    known = list(METRICS)
    return "" if name in known else f"no such metric{nearest(name, known)}"


def _value(name: str, text: str) -> Any:
    """A value of the command line; "seeds=1,2" and "seeds=[1,2]" are one."""
    if name in ("metric", "sampler", "pruner"):
        return text
    if name == "seeds":
        text = f"[{text.strip('[]')}]"
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _load(path: Path) -> Any:
    try:
        # Its numbers are those of the command line: 1e-4 is one, which it is not in YAML 1.1.
        return OmegaConf.to_container(OmegaConf.load(path), resolve=True)
    except yaml.MarkedYAMLError as error:
        where = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UserError(f"{path}{where}: {error.problem or error}") from error
    except (OmegaConfBaseException, OSError, ValueError) as error:
        said = re.sub(r"\s+", " ", str(error))
        raise UserError(f"{path}: {said}") from error
