"""A run's folder: who may write in it, what state it is in, and what it says of itself."""

import json
import logging
import os
import secrets
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from vaelab.composing import identity
from vaelab.composing.spelling import duration
from vaelab.errors import UserError
from vaelab.files import merged, write_json, write_yaml
from vaelab.runs import heartbeat, lock
from vaelab.runs.heartbeat import SILENT
from vaelab.runs.provenance import provenance

FINAL = ("complete",)  # not pruned: whoever asks for the run itself wants it whole


class Busy(UserError):
    """Another process is training this run."""

    status = 1


class Run:
    """One folder. `status` is new, running, complete, interrupted, failed or pruned.

    Args:
        folder: need not exist.
        writable: False in a process that only helps to train it (DDP), whose writes are ignored.
    """

    def __init__(self, folder: Path, writable: bool = True) -> None:
        self.folder = folder
        self.writable = writable
        self.checkpoints = folder / "checkpoints"
        self.figures = folder / "figures"
        self.results = folder / "results.json"
        self.log = folder / "log.txt"

    def __str__(self) -> str:
        return (
            os.path.relpath(self.folder)
            if self.folder.is_relative_to(Path.cwd())
            else str(self.folder)
        )

    @property
    def config(self) -> dict[str, Any]:
        """The resolved config that the run was started with.

        Raises:
            UserError: there is none, or it cannot be read.
        """
        path = self.folder / "config.yaml"
        try:
            config = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            raise UserError(
                f"{self}: its config.yaml cannot be read; delete the folder to train it again"
            ) from error
        if not isinstance(config, dict):
            raise UserError(
                f"{self}: its config.yaml holds no settings; delete the folder to train it again"
            )
        return identity.YOUNGER | config

    @property
    def status(self) -> str:
        """What results.json says; "running" is believed only while somebody is at it."""
        status = self.read().get("status", "new")
        if status == "running" and not self.locked():
            return "interrupted"
        return status

    def read(self) -> dict[str, Any]:
        """results.json, empty when there is none yet.

        Raises:
            UserError: it is not JSON.
        """
        try:
            return json.loads(self.results.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise UserError(
                f"{self.results}: damaged; delete it to train this run again"
            ) from error

    def update(self, **fields: Any) -> None:
        """Merge fields into results.json, below mappings too; the file is always whole."""
        if self.writable:
            write_json(self.results, merged(self.read(), fields))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold this run. The operating system lets go of it when the process dies.

        Raises:
            Busy: another process has it.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{self}: cannot be made ({error.strerror}); set output_dir") from error
        path = self._lock
        if not lock.take(path):
            if lock.ours(path):
                raise Busy(f"{self} is being trained by this process")
            who = lock.holder(path) or "another process"
            raise Busy(f"{self} is being trained by {who}; wait, or stop that process")
        try:
            if host := self.elsewhere():
                raise Busy(
                    f"{self} is being trained on {host}, as its heartbeat says; wait, or stop that "
                    f"process; if it was killed, try again when it is silent for {duration(SILENT)}"
                    f", or delete {self}/{heartbeat.FILE}"
                )
            lock.sign(path)
            yield
        finally:
            lock.drop(path)

    def locked(self) -> bool:
        """Whether some process, this one included, is at it, here or on another machine."""
        return self.held() or self.elsewhere() is not None

    def held(self) -> bool:
        """Whether the lock is held, as far as this machine can see."""
        return lock.is_held(self._lock)

    def holder(self) -> str:
        """Process and machine of whoever had the lock last; empty where that is not known."""
        return lock.holder(self._lock)

    def elsewhere(self) -> str | None:
        """The other machine that trains it, whose lock need not be seen on a disk they share."""
        beat, heard = heartbeat.read(self.folder)
        if beat is None or not beat.of_another_machine or heard >= SILENT:
            return None
        with suppress(UserError):  # of a damaged file nothing is known
            return beat.host if self.read().get("status") == "running" else None

    @property
    def _lock(self) -> Path:
        return self.folder.resolve() / "lock"

    def write_config(self, config: Mapping[str, Any], overrides: list[str]) -> None:
        """config.yaml as resolved; overrides.yaml with what was typed and by what it is run."""
        if not self.writable:
            return
        write_yaml(self.folder / "config.yaml", config)
        about = provenance()
        typed = {"overrides": overrides, "command": command(overrides), **about}
        write_yaml(self.folder / "overrides.yaml", typed)
        hashed = identity.config_hash(config)
        # The same settings trained elsewhere, or once more, are not this record in a logger.
        record = {} if self.read() else {"record": secrets.token_hex(4)}
        self.update(
            seed=config["seed"], config_hash=hashed, choices=config["choices"], **about, **record
        )

    @contextmanager
    def logged(self) -> Iterator[None]:
        """Append to log.txt what is logged, warnings included, while this is open."""
        handler = logging.FileHandler(self.log, encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        root = logging.getLogger()
        level = root.level
        root.addHandler(handler)
        root.setLevel(min(level, logging.INFO) or logging.INFO)
        logging.captureWarnings(True)
        try:
            yield
        finally:
            logging.captureWarnings(False)
            root.removeHandler(handler)
            root.setLevel(level)
            handler.close()


def find(path: str | Path) -> Run:
    """The run at a folder, or the only one below it.

    Raises:
        UserError: there is none, or more than one.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise UserError(
            f"{path}: no such folder; RUN is a run folder, as in outputs/train/*/*/seed1"
        )
    if (folder / "config.yaml").is_file():
        return Run(folder)
    found = sorted(one.parent for one in folder.rglob("config.yaml"))
    if len(found) == 1:
        return Run(found[0])
    if not found:
        raise UserError(f"{path}: no run in this folder")
    shown = ", ".join(str(one) for one in found[:4]) + (", …" if len(found) > 4 else "")
    raise UserError(f"{path}: {len(found)} runs below it; name one ({shown})")


def command(overrides: list[str]) -> str:
    """The command line that makes this run."""
    return shlex.join(["vaelab", "train", *overrides])
