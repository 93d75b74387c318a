"""Turn the words of a command line into configs; the only file that uses Hydra to compose.

Hydra composes and launches and makes no folders. Its objects below `hydra.main` are used, so that
the plan, the results and the errors are ours (hydra-core is pinned to 1.3 for that).
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hydra import initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from vaelab.composing import groups
from vaelab.composing.complaints import in_one_line
from vaelab.composing.hydra_launchers import RAY
from vaelab.composing.overrides import Reader
from vaelab.composing.preset import without_leftovers
from vaelab.composing.repository import Remembering
from vaelab.errors import UserError

CONFIG = "train"
ASKING = re.compile(r"\$\\?\{hydra\\?:")  # ${hydra:...}; with backslashes in a sweep's words
REMEMBERED = 256  # configs, of a tenth of a megabyte each


@dataclass(frozen=True)
class Cell:
    """One job: what was typed for it and the resolved config that it means."""

    overrides: list[str]
    config: DictConfig


class Composer:
    """Composes configs from the groups in our folder and, where given, the user's."""

    def __init__(self, extra: str | None = None, multirun: bool = False) -> None:
        self.multirun = multirun
        self.folders = (groups.config_dir(), *user_folder(extra))
        self.always = [f"hydra.searchpath=['file://{folder}']" for folder in self.folders[1:]]
        GlobalHydra.instance().clear()
        initialize_config_dir(str(self.folders[0]), job_name="vaelab", version_base="1.3")
        self.loader = _loader()
        self.loader.repository = Remembering(self.loader.repository)
        if "ray" in self.launchers():
            ConfigStore.instance().store("ray", RAY, group="hydra/launcher")
        self.reader = Reader(self.folders, self.launchers(), multirun)
        self.unresolved: dict[tuple[str, ...], DictConfig] = {}
        texts = (
            path.read_text("utf-8") for one in self.folders[1:] for path in one.rglob("*.yaml")
        )
        self.asks_hydra = any(map(ASKING.search, texts))
        self.presets: dict[tuple[str, ...], dict[str, str]] = {}

    def launchers(self) -> list[str]:
        """Names `hydra/launcher` can have with the packages that are installed."""
        return sorted(self.loader.get_group_options("hydra/launcher"))

    def jobs(self, texts: list[str]) -> list[list[str]]:
        """The overrides of every job the words ask for; one unless this is a sweep.

        Raises:
            UserError: an override is wrong.
        """
        read = self.reader.read(texts)
        if not self.multirun:
            if launching := [text for text in read if text.startswith("hydra")]:
                raise UserError(f"{launching[0]}: a launcher starts the runs of a sweep; add -m")
            return [read]
        with in_one_line(self, read):
            return split(read)

    def cells(self, texts: list[str]) -> list[Cell]:
        """Every job composed.

        Raises:
            UserError: an override, a group's option or a YAML is wrong.
        """
        return [self.cell(overrides) for overrides in self.jobs(texts)]

    def chooses(self, override: str) -> bool:
        """Whether an override that was read chooses an option of a group."""
        return re.split("[@=]", override, maxsplit=1)[0] in self.reader.names

    def cell(self, overrides: list[str]) -> Cell:
        """Compose one job from overrides that were read.

        Composing takes a tenth of a second: jobs that differ in the seed alone share it.
        """
        seeds = [text for text in overrides if re.fullmatch(r"seed=(0|[1-9]\d*)", text)]
        key = tuple("seed=" if text in seeds else text for text in overrides)
        # What Hydra knows of a job is another job's once that is composed, the seed included.
        alone = self.asks_hydra or any(map(ASKING.search, overrides))
        if alone or key not in self.unresolved:
            if len(self.unresolved) == REMEMBERED:
                self.unresolved.clear()
            self.unresolved[key] = self.chosen(overrides)
        config = self.unresolved[key]
        with in_one_line(self, overrides):
            if seeds:
                config["seed"] = int(seeds[-1].partition("=")[2])
            resolved = OmegaConf.create(OmegaConf.to_container(config, resolve=True))
        assert isinstance(resolved, DictConfig)
        return Cell(overrides, resolved)

    def chosen(self, overrides: list[str]) -> DictConfig:
        """The config without Hydra's part, with the options that were chosen; not resolved."""
        config = self.compose(overrides)
        texts = [*self.always, *overrides]
        config = without_leftovers(self.loader, CONFIG, texts, config, load, self.presets)
        with in_one_line(self, overrides):
            choices = config.hydra.runtime.choices
            chosen = {
                _place(str(name)): option
                for name, option in choices.items()
                if option is not None and not str(name).startswith("hydra")
            }
            with open_dict(config):
                del config["hydra"]
                config["choices"] = chosen
        return config

    def compose(self, overrides: list[str]) -> DictConfig:
        """Hydra's config, its own part included."""
        with in_one_line(self, overrides):
            return load(self.loader, CONFIG, [*self.always, *overrides])

    def keys(self, overrides: list[str]) -> list[str]:
        """Every name that can be set when the groups are chosen as in `overrides`."""
        chosen = [text for text in overrides if self.chooses(text)]
        config = load(self.loader, CONFIG, [*self.always, *chosen])
        with open_dict(config):
            del config["hydra"]
        return list(dotted(config))

    def launcher_keys(self, overrides: list[str]) -> list[str]:
        """The same of the launcher that is chosen there; Hydra's own has nothing to be set."""
        chosen = [text for text in overrides if text.startswith("hydra/launcher=")]
        config = load(self.loader, CONFIG, [*self.always, *chosen])
        return list(dotted(config.hydra.launcher, "hydra.launcher."))


def load(loader: ConfigLoader, name: str, overrides: list[str]) -> DictConfig:
    """Compose and let HydraConfig know, for interpolations."""
    config = loader.load_configuration(name, overrides, run_mode=RunMode.RUN, from_shell=False)
    HydraConfig.instance().set_config(config)
    return config


def split(overrides: list[str]) -> list[list[str]]:
    """A sweep's overrides as one list a job."""
    # Imported here: initialising Hydra registers its plugins by executing this module once more.
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

    hydra = [text for text in overrides if text.startswith("hydra")]
    ours = [text for text in overrides if text not in hydra]
    parsed = OverridesParser.create(_loader()).parse_overrides(ours)
    return [[*hydra, *cell] for cell in BasicSweeper.split_arguments(parsed, None)[0]]


def user_folder(extra: str | None) -> list[Path]:
    """The user's own folder of groups, which may not repeat a name of ours."""
    if extra is None:
        return []
    folder = Path(extra).resolve()
    if not folder.is_dir():
        raise UserError(f"--config-dir {extra}: no such folder")
    ours = groups.config_dir()
    for path in sorted(folder.rglob("*.yaml")):
        name = path.relative_to(folder)
        if (ours / name).is_file():
            raise UserError(f"--config-dir: {name} has the name of one of vaelab's; rename yours")
    if str(Path.cwd()) not in sys.path:  # a console script does not have it; `_target_: mine.Prior`
        sys.path.insert(0, str(Path.cwd()))
    return [folder]


def _loader() -> ConfigLoaderImpl:
    hydra = GlobalHydra.instance().hydra
    assert hydra is not None
    assert isinstance(hydra.config_loader, ConfigLoaderImpl)
    return hydra.config_loader


def dotted(config: DictConfig, prefix: str = "") -> Iterator[str]:
    """Names of all values below a node, as `prior.components`."""
    for key in config:
        name = f"{prefix}{key}"
        if not str(key).startswith("_"):
            yield name
            if not OmegaConf.is_missing(config, key) and OmegaConf.is_dict(config._get_node(key)):
                yield from dotted(config[key], f"{name}.")


def _place(name: str) -> str:
    """Where a choice is mounted: "optimizer@optimizer.phi" -> "optimizer.phi"."""
    return name.rpartition("@")[2].removeprefix("_global_.")
