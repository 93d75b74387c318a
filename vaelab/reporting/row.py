"""One run as its files show it: results, metrics, lock and heartbeat."""

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vaelab.composing.spelling import duration
from vaelab.errors import UserError
from vaelab.runs import heartbeat
from vaelab.runs.heartbeat import SILENT, Heartbeat
from vaelab.runs.run import Run

OVER = ("complete", "pruned")


@dataclass(frozen=True)
class Row:
    """One run.

    Attributes:
        state: running, waiting (its sweep is at work), planned, complete, pruned, interrupted,
            failed, or damaged where its files cannot be read.
        why: who runs it, or why it failed.
        epoch: epochs done, or the one that is trained.
        elbo: of the validation data at beta = 1, in nats; of the model's epoch once complete.
        left: seconds to finish.
        seconds: what it took so far.
        heard: seconds since its last sign of life.
    """

    folder: Path
    label: str = ""
    state: str = "planned"
    why: str = ""
    epoch: int | None = None
    epochs: int | None = None
    batch: int | None = None
    batches: int | None = None
    stage: str = ""
    elbo: float | None = None
    kl: float | None = None
    active: int | None = None
    units: int | None = None
    left: float | None = None
    seconds: float | None = None
    heard: float | None = None


def row(folder: Path) -> Row:
    """A run's state; nothing that is wrong with its files is raised."""
    run = Run(folder)
    try:
        results = run.read()
    except (UserError, OSError) as error:
        return Row(folder, state="damaged", why=str(error))
    beat, heard = heartbeat.read(folder)
    if beat is None:
        with suppress(OSError):
            heard = heartbeat.age(run.results)
    state, why = state_of(run, results, beat, heard)
    if state == "planned" and not folder.is_dir():
        return Row(folder)
    done = state in OVER
    epoch = results.get("model", {}).get("epoch") if done else None
    ended, last = metrics(folder / "metrics.csv", epoch)
    trained = results.get("training", {}).get("epochs")
    begun = trained if done and trained else ended
    training = state == "running" and beat is not None and beat.stage == "training"
    return Row(
        folder,
        state=state,
        why=why,
        epoch=beat.epoch if training and beat else begun,
        epochs=(beat.epochs if beat else None) or total_epochs(folder),
        batch=beat.batch if training and beat else None,
        batches=beat.batches if training and beat else None,
        stage=beat.stage if state == "running" and beat else "",
        elbo=last.get("val/elbo"),
        kl=last.get("val/kl"),
        active=None if "val/au" not in last else round(last["val/au"]),
        units=beat.units if beat else None,
        left=beat.left if training and beat else None,
        seconds=results.get("cost", {}).get("seconds") if done else beat and beat.seconds,
        heard=heard,
    )


def state_of(
    run: Run, results: dict[str, Any], beat: Heartbeat | None, heard: float
) -> tuple[str, str]:
    """Its state in a word, and what is to be said of it."""
    status = results.get("status", "new")
    if status not in ("running", "new"):
        return status, results.get("reason") or ""
    if run.held():
        return "running", run.holder()
    if status == "new":
        return "planned", ""
    if beat is None or not beat.of_another_machine:
        return "interrupted", ""
    # A lock may not be seen on another machine, which shares the disk.
    ago = f"last heard {duration(heard)} ago"
    return ("running" if heard < SILENT else "interrupted"), f"on {beat.host}, {ago}"


def metrics(path: Path, epoch: int | None) -> tuple[int | None, dict[str, float]]:
    """The epochs that a metrics.csv has, and its row of one of them, else the last row."""
    with suppress(OSError, ValueError, IndexError):
        lines = path.read_text(encoding="utf-8").splitlines()
        names, rows = lines[0].split(","), lines[1:]
        chosen = next((one for one in reversed(rows) if one.startswith(f"{epoch},")), rows[-1])
        pairs = zip(names, chosen.split(","), strict=False)  # the last row may be half written
        ended = int(float(rows[-1].partition(",")[0]))
        return ended, {name: float(value) for name, value in pairs if value}
    return None, {}


def total_epochs(folder: Path) -> int | None:
    """The most epochs a run may have, of a run that has left no heartbeat."""
    with suppress(OSError, UnicodeDecodeError):
        text = (folder / "config.yaml").read_text(encoding="utf-8")
        if match := re.search(r"^epochs: (\d+)$", text, re.MULTILINE):
            return int(match.group(1))
    return None
