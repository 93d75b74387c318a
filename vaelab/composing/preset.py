"""A preset's values fall away below a group of which another option was chosen.

`experiment=row prior=mog`, where the preset chose vamp with 1000 components, means mog's own
settings; Hydra alone would merge the 1000 into mog.
"""

from collections.abc import Callable

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.config_repository import ConfigRepository, IConfigRepository
from hydra.core.config_loader import ConfigLoader
from hydra.plugins.config_source import ConfigResult
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

PRESETS = "experiment/"


class Trimmed(ConfigRepository):
    """A repository whose presets lack the given nodes."""

    def __init__(self, repository: IConfigRepository, nodes: frozenset[str]) -> None:
        self.sources = list(repository.get_sources())
        self.nodes = nodes

    def load_config(self, config_path: str) -> ConfigResult | None:
        """The config, without the nodes if it is a preset."""
        result = super().load_config(config_path)
        if result is not None and config_path.startswith(PRESETS):
            for node in self.nodes:
                parent, _, key = node.rpartition(".")
                holder = OmegaConf.select(result.config, parent) if parent else result.config
                if isinstance(holder, DictConfig) and key in holder:
                    with open_dict(holder):
                        del holder[key]
        return result


def without_leftovers(
    loader: ConfigLoader,
    name: str,
    overrides: list[str],
    config: DictConfig,
    load: Callable[[ConfigLoader, str, list[str]], DictConfig],
    known: dict[tuple[str, ...], dict[str, str]],
) -> DictConfig:
    """`config`, composed again without the preset's values for groups chosen differently.

    `known` remembers between calls what presets alone mount.
    """
    assert isinstance(loader, ConfigLoaderImpl)
    preset = [text for text in overrides if text.startswith("experiment=")]
    chosen = [text for text in overrides if not text.startswith("hydra")]
    if not preset or len(chosen) == len(preset):
        return config
    always = [text for text in overrides if text.startswith("hydra")]
    alone = (*always, *preset)
    if alone not in known:
        known[alone] = _mounted(loader, name, [*alone])
    intended = known[alone]
    actual = _mounted(loader, name, overrides)
    nodes = frozenset(place for place, path in intended.items() if actual.get(place) != path)
    repository = loader.repository
    names = [PRESETS + text.partition("=")[2] for text in preset]
    if not any(_sets(repository, name, node) for name in names for node in nodes):
        return config
    loader.repository = Trimmed(repository, nodes)
    try:
        return load(loader, name, overrides)
    finally:
        loader.repository = repository


def _sets(repository: IConfigRepository, preset: str, node: str) -> bool:
    """Whether a preset itself says something below a node."""
    result = repository.load_config(preset)
    return result is not None and OmegaConf.select(result.config, node) is not None


def _mounted(loader: ConfigLoaderImpl, name: str, overrides: list[str]) -> dict[str, str]:
    """Which file is mounted at each node: {"prior": "prior/vamp", ...}."""
    defaults = loader.compute_defaults_list(name, overrides, RunMode.RUN).defaults
    return {
        one.package: one.config_path
        for one in defaults
        if one.package and one.config_path and not one.package.startswith("hydra")
    }
