"""What every logger of a run is told: who it is, and at the end what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from vaelab.composing import identity
from vaelab.files import plain
from vaelab.runs.run import Run
from vaelab.sweeps import sweep as swept

# Where and how, not what; `logger` may hold the address of a server.
UNRECORDED = frozenset("logger hydra output_dir data_dir fresh threads".split())


@dataclass(frozen=True)
class Logged:
    """A run as loggers know it.

    A run that is resumed has the same `id`, so that it goes on in its old record.

    Attributes:
        name: its folder below `train`, as in digits-mlp-vamp-elbo-joint/a828c3d3/seed1.
        group: the same without the seed.
        id: of this run alone: the same settings trained in another folder, or once more, have
            another.
        folder: of the run.
        root: output_dir, which all runs share.
        sweeps: those of that folder it belongs to, by name: what is below .sweeps.
    """

    name: str
    group: str
    id: str
    folder: Path
    root: Path
    sweeps: tuple[str, ...] = ()


def logged(config: Mapping[str, Any], run: Run) -> Logged:
    """How loggers know a run."""
    whole = identity.config_hash(config)[:8]
    choices = identity.folder(config).parts[-3]
    seed = run.folder.name if run.folder.name.startswith("seed") else f"seed{config['seed']}"
    group = f"{choices}/{whole}"
    root = Path(str(config["output_dir"]))
    sweeps = tuple(sorted(one.name for one in swept.below(root) if one.has(run.folder)))
    record = "-".join([whole, seed, *filter(None, [run.read().get("record")])])
    return Logged(f"{group}/{seed}", group, record, run.folder, root, sweeps)


def recorded(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that loggers get."""
    return {key: plain(value) for key, value in config.items() if key not in UNRECORDED}


@runtime_checkable
class Concluding(Protocol):
    """A logger that takes more than settings and numbers."""

    def add_files(self, figures: list[Path], checkpoint: Path | None) -> None:
        """Keep a run's figures and, where it is asked for, its model."""
        ...

    def close(self, status: str) -> None:
        """The run is over for now: complete, interrupted or failed."""
        ...
