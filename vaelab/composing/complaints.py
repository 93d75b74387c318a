"""What Hydra, OmegaConf and YAML complain of, as one line that names the setting and the remedy."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import yaml
from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException
from omegaconf.errors import OmegaConfBaseException

from vaelab.composing import groups
from vaelab.composing.overrides import Reader
from vaelab.composing.spelling import nearest
from vaelab.errors import UserError


class Composes(Protocol):
    """Whoever knows what could have been typed: the composer."""

    folders: tuple[Path, ...]
    reader: Reader

    def keys(self, overrides: list[str]) -> list[str]:
        """Every name that can be set when the groups are chosen as in `overrides`."""
        ...

    def launcher_keys(self, overrides: list[str]) -> list[str]:
        """The same of the launcher that is chosen there."""
        ...


@contextmanager
def in_one_line(composer: Composes, overrides: list[str]) -> Iterator[None]:
    """Hydra's and OmegaConf's complaints as ours."""
    try:
        yield
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{mark.name}, line {mark.line + 1}, column {mark.column + 1}" if mark else "a YAML"
        raise UserError(f"{where}: {error.problem or error}") from error
    except MissingConfigException as error:
        options = list(error.options or [])
        hint = nearest(str(error.missing_cfg_file), options)
        raise UserError(f"{error.missing_cfg_file}: no such config{hint}") from error
    except ConfigCompositionException as error:
        raise UserError(_refused(error, composer, overrides)) from error
    except OmegaConfBaseException as error:
        where = f"{error.full_key}: " if error.full_key else ""
        raise UserError(where + str(error).partition("\n")[0]) from error
    except (HydraException, ValueError) as error:
        raise UserError(str(error).partition("\n")[0]) from error


def _refused(error: ConfigCompositionException, composer: Composes, overrides: list[str]) -> str:
    """A name that does not exist, or whatever else Hydra could not compose."""
    text = str(error)
    if match := re.search(r"Could not override '([^']+)'", text):
        name = match.group(1).partition("@")[0]
        if "/" in name:
            return f"{name}: no such group{nearest(name, composer.reader.names)}"
        return _no_such_setting(name, composer, overrides)
    cause = error.__cause__ or error
    key = getattr(cause, "full_key", None)
    return (f"{key}: " if key else "") + str(cause).partition("\n")[0]


def _no_such_setting(name: str, composer: Composes, overrides: list[str]) -> str:
    """Say what could be set there, and which other option of the group has this setting."""
    if name.startswith("hydra.launcher."):
        return _no_such_setting_of_a_launcher(name, composer, overrides)
    keys = composer.keys(overrides)
    parent, _, last = name.rpartition(".")
    if parent not in keys:
        top = [key for key in keys if "." not in key] if not parent else keys
        return f"{name}: no such setting{nearest(name, top, False)}"
    siblings = [key for key in keys if key.rpartition(".")[0] == parent]
    group = composer.reader.mounts.get(parent, parent)
    known = groups.options(group, *composer.folders) if group in composer.reader.names else {}
    having = [option for option, path in known.items() if f"\n{last}:" in path.read_text()]
    other = f"; it belongs to {group}={', '.join(having)}" if having else ""
    return f"{name}: no such setting of the {parent} that is chosen{nearest(name, siblings)}{other}"


def _no_such_setting_of_a_launcher(name: str, composer: Composes, overrides: list[str]) -> str:
    """Say what is like it, or that a launcher is to be chosen first."""
    known = composer.launcher_keys(overrides)
    if not known:
        return f"{name}: a setting of a launcher; choose one too, as in hydra/launcher=joblib"
    chosen = next(text for text in overrides if text.startswith("hydra/launcher="))
    return f"{name}: no such setting of {chosen}{nearest(name, known, False)}"
