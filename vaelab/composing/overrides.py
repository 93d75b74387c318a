"""What was typed: every NAME=VALUE is refused or rewritten before Hydra sees it."""

import re
from collections.abc import Iterable
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override, QuotedString
from hydra.errors import HydraException

from vaelab.composing import groups
from vaelab.composing.hydra_launchers import EXTRAS
from vaelab.composing.spelling import nearest
from vaelab.errors import UserError


class Reader:
    """Reads the overrides of one command against the groups found in `folders`."""

    def __init__(self, folders: tuple[Path, ...], launchers: Iterable[str], multirun: bool) -> None:
        self.folders = folders
        self.launchers = list(launchers)
        self.multirun = multirun
        self.mounts = groups.mounts(folders[0])
        self.names = groups.groups(*folders)
        self.parser = OverridesParser.create()

    def read(self, texts: list[str]) -> list[str]:
        """What Hydra may be given.

        Raises:
            UserError: one of them cannot be meant; the message says which and why.
        """
        read = [line for text in texts for line in self.one(text)]
        chosen: dict[str, str] = {}
        for line in read:
            name, _, value = line.partition("=")
            if name.partition("@")[0] in self.names:
                if name in chosen and chosen[name] != value:
                    raise UserError(f"{name}: given twice, as {chosen[name]} and as {value}")
                chosen[name] = value
        return list(dict.fromkeys(read))

    def one(self, text: str) -> list[str]:
        """One word of the command line as one or two overrides."""
        if text.startswith(("+", "~")):
            raise UserError(f"{text}: settings cannot be added or removed; write NAME=VALUE")
        override = self.parse(text)
        name = override.key_or_group
        if override.package is not None:  # group@package=option, Hydra's own way to write a mount
            if self.mounts.get(override.package) != name:
                raise UserError(f"{text}: nothing is mounted there; write {name}=OPTION")
            name = override.package
        if any(part.startswith("_") for part in name.split(".")):
            raise UserError(
                f"{text}: {name} belongs to the option itself; choose another option, or write your"
                " own YAML and give its folder with --config-dir"
            )
        if override.is_sweep_override() and not self.multirun:
            raise UserError(
                f"{text}: several values are a sweep; use vaelab train -m, or quote the commas"
            )
        if name == "hydra" or name.startswith(("hydra.", "hydra/")):
            return [self.hydra(text, name, override)]
        return self.choice(text, name, override)

    def choice(self, text: str, name: str, override: Override) -> list[str]:
        """An option of a group, under the names it is mounted at; other settings as they are."""
        value = text.partition("=")[2]
        places = [place for place, group in self.mounts.items() if group == name]
        group = self.mounts.get(name, name)
        if group not in self.names:
            return [text]
        self.check(text, name, group, override)
        if name in self.mounts:
            return [f"{group}@{name}={value}"]
        if not places:
            return [text]
        if override.is_sweep_override() and len(places) > 1:
            raise UserError(
                f"{text}: {name} stands for {' and '.join(places)}, whose values would be combined;"
                f" sweep one of them, as in {places[0]}={value}"
            )
        return [f"{group}@{place}={value}" for place in places]

    def check(self, text: str, name: str, group: str, override: Override) -> None:
        """Refuse what is not an option of the group."""
        known = list(groups.options(group, *self.folders))
        for value in values(override):
            if value is None and group == "experiment":
                continue
            if not isinstance(value, str):
                raise UserError(f"{text}: needs the name of one option{nearest('', known)}")
            if value not in known:
                raise UserError(f"{name}={value}: no such {group}{nearest(value, known)}")

    def hydra(self, text: str, name: str, override: Override) -> str:
        """Of Hydra's own settings only the launcher's are of use."""
        if override.is_sweep_override():
            raise UserError(f"{text}: one launcher starts all runs of a sweep; choose one value")
        if name == "hydra/launcher":
            for value in values(override):
                if value in self.launchers:
                    continue
                if (extra := EXTRAS.get(str(value))) and not self.installed(extra):
                    raise UserError(f"{text}: needs a package; pip install 'vaelab[{extra}]'")
                raise UserError(f"{text}: no such launcher{nearest(str(value), self.launchers)}")
        elif not name.startswith("hydra.launcher."):
            raise UserError(
                f"{text}: not used by vaelab, which makes folders and logs itself;"
                " only hydra/launcher and hydra.launcher.* can be set"
            )
        return text

    def installed(self, extra: str) -> bool:
        """Whether a launcher of this extra is known."""
        return any(EXTRAS.get(name) == extra for name in self.launchers)

    def parse(self, text: str) -> Override:
        """Hydra's parser, with its complaints in plain words."""
        name, equals, value = text.partition("=")
        if not equals:
            if text in self.names:
                known = list(groups.options(text, *self.folders))
                raise UserError(f"{text}: write {text}=OPTION{nearest('', known)}")
            known = [*self.names, *groups.settings(self.folders[0])]
            raise UserError(f"{text}: not a setting; write NAME=VALUE{nearest(text, known, False)}")
        if not name.strip():
            raise UserError(f"{text}: the name is missing; write NAME=VALUE")
        try:
            override = self.parser.parse_override(text)
        except HydraException as error:
            if not re.fullmatch(r"[\w./@-]+", name):
                why = f"{name!r} cannot be a name"
            elif any(value.count(a) != value.count(b) for a, b in ("[]", "{}", "()")):
                why = "a bracket is not closed"
            elif value.count("'") % 2 or value.count('"') % 2:
                why = "a quote is not closed"
            else:
                why = f"put the value in quotes, as in '{name}=\"{value}\"'"
            raise UserError(f"{text}: cannot be read; {why}") from error
        return override


def values(override: Override) -> list[object]:
    """The value of an override, or each value of its sweep."""
    value = override._value
    if isinstance(value, ChoiceSweep):
        listed: list[object] = list(value.list)
    elif override.is_sweep_override():
        return []  # range, interval and glob are Hydra's to read
    else:
        listed = [override.value()]
    return [item.text if isinstance(item, QuotedString) else item for item in listed]
