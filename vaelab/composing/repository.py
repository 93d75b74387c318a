"""Hydra's repository of YAMLs, reading each once: a table composes the same files fifty times."""

import copy
from dataclasses import replace

from hydra._internal.config_repository import ConfigRepository, IConfigRepository
from hydra.plugins.config_source import ConfigResult


class Remembering(ConfigRepository):
    """A repository whose files do not change while the command runs."""

    def __init__(self, repository: IConfigRepository) -> None:
        self.sources = list(repository.get_sources())
        self.known: dict[str, ConfigResult | None] = {}

    def __deepcopy__(self, _: object) -> "Remembering":
        return self  # Hydra copies its repository for each config, to be safe from itself

    def load_config(self, config_path: str) -> ConfigResult | None:
        """The config at a path; Hydra writes in what it is given, so each caller gets its own."""
        if config_path not in self.known:
            self.known[config_path] = super().load_config(config_path)
        found = self.known[config_path]
        if found is None:
            return None
        return replace(found, config=copy.deepcopy(found.config), header=dict(found.header))
