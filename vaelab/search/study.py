"""A study's folder: trials in Optuna's journal, and who is at which of them.

Any number of processes work on one study. Each holds a lock of its own as long as it lives; a
trial that runs for a process whose lock is free was killed. It is told off and its settings are
queued again, so that the next trial finds its run and goes on from the checkpoint.
"""

import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, Trial, TrialState

from vaelab.errors import UserError
from vaelab.search import samplers
from vaelab.search.lock import FileLock, JournalLock
from vaelab.search.space import grid, suggest
from vaelab.search.spec import Spec

COUNTED = (TrialState.COMPLETE, TrialState.PRUNED)


class Study:
    """The trials of one space under one set of fixed settings.

    Args:
        folder: its own, below output_dir/search.
        spec: what is searched.
        epochs: the most that a trial takes, if that is fixed.

    Raises:
        UserError: the folder cannot be made.
    """

    def __init__(self, folder: Path, spec: Spec, epochs: int | None = None) -> None:
        self.folder = folder
        self.spec = spec
        self.begun = 0  # trials that there were before this process came
        self.worker = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        try:
            (folder / "workers").mkdir(parents=True, exist_ok=True)
            journal = folder / "journal.log"
            journal.touch()
        except OSError as error:
            why = error.strerror
            raise UserError(f"{folder}: cannot be made ({why}); set output_dir") from error
        self.asking = FileLock(folder / "asking.lock")
        with self.asking:  # else two processes create it at once
            self.optuna = optuna.create_study(
                storage=JournalStorage(
                    JournalFileBackend(str(journal.resolve()), lock_obj=JournalLock(journal))  # pyright: ignore[reportArgumentType]
                ),
                study_name="search",
                direction="maximize" if spec.maximize else "minimize",
                pruner=samplers.pruner(spec, epochs),
                load_if_exists=True,
            )
            self.begun = len(self.optuna.get_trials(deepcopy=False))

    @property
    def trials(self) -> list[FrozenTrial]:
        """Every trial that stands for itself: without those that another took up."""
        found = self.optuna.get_trials(deepcopy=False)
        taken = {one.user_attrs.get("continues") for one in found}
        return [one for one in found if one.number not in taken]

    def of(self, *states: TrialState) -> list[FrozenTrial]:
        """Trials in certain states, in the order in which they began."""
        return [one for one in self.trials if one.state in states]

    @property
    def done(self) -> int:
        """Trials that count: complete or pruned."""
        return len(self.of(*COUNTED))

    @property
    def best(self) -> FrozenTrial | None:
        """The best of the complete ones; of equals the first."""
        ranked = self.ranked()
        return ranked[0] if ranked else None

    def ranked(self) -> list[FrozenTrial]:
        """Complete trials, the best first."""
        sign = -1 if self.spec.maximize else 1
        return sorted(self.of(TrialState.COMPLETE), key=lambda one: sign * (one.value or 0.0))

    @contextmanager
    def working(self) -> Iterator[None]:
        """Be known as alive, so that nobody takes this process's trial for a killed one's."""
        lock = FileLock(self.folder / "workers" / self.worker)
        with lock:
            yield
            lock.path.unlink()  # the name is never used again

    def claim(self) -> Trial | None:
        """The next trial with its settings drawn; None while none is left to begin.

        Those that another process is at count as if they were done: when one of them fails, there
        is one more to claim.
        """
        with self.asking:
            self.take_up()
            if len(self.of(*COUNTED, TrialState.RUNNING)) >= self.spec.trials:
                return None
            if self.spec.sampler == "grid" and not self.of(TrialState.WAITING):
                left = self.points()
                if not left:
                    return None
                # One that failed before is tried again, and stands for itself no more.
                failed = {str(one.params): one.number for one in self.of(TrialState.FAIL)}
                before = failed.get(str(left[0]))
                known = None if before is None else {"continues": before}
                self.optuna.enqueue_trial(left[0], user_attrs=known)
            # By the number of trials, so that a search that was killed proposes the same.
            begun = len(self.of(*COUNTED, TrialState.RUNNING, TrialState.FAIL))
            self.optuna.sampler = samplers.sampler(self.spec, seed=begun)
            trial = self.optuna.ask()
            trial.set_user_attr("worker", self.worker)
            trial.set_user_attr("settings", suggest(self.spec.space, trial))
            return trial

    def points(self) -> list[dict[str, Any]]:
        """Those of a grid that nobody is at, and that neither counted nor failed for us."""
        tried = [
            one.params
            for one in self.trials
            if one.state != TrialState.FAIL or one.number >= self.begun
        ]
        return [one for one in grid(self.spec.space) if one not in tried]

    def take_up(self) -> None:
        """Queue the settings of trials whose process has died; under the lock `asking`."""
        for one in self.of(TrialState.RUNNING):
            if self.alive(one.user_attrs.get("worker")):
                continue
            # Queued first: killed in between, what is left is known to be taken up.
            self.optuna.enqueue_trial(one.params, user_attrs={"continues": one.number})
        for one in self.optuna.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if all(one.number != other.number for other in self.trials):
                self.optuna.tell(one.number, state=TrialState.FAIL)

    def alive(self, worker: str | None) -> bool:
        """Whether the process of this name lives; forgets it if not."""
        if worker == self.worker:
            return True
        path = self.folder / "workers" / str(worker)
        if worker is None or not path.exists():
            return False
        lock = FileLock(path)
        if not lock.try_acquire():
            return True
        path.unlink()
        lock.release()
        return False

    def finish(self, trial: Trial, value: float | None) -> None:
        """Tell the study how a trial went; no value: it was pruned."""
        self.optuna.tell(trial, value, TrialState.PRUNED if value is None else TrialState.COMPLETE)

    def fail(self, trial: Trial, reason: str) -> None:
        """Tell the study that a trial gave nothing; it does not count."""
        trial.set_user_attr("reason", reason)
        self.optuna.tell(trial, state=TrialState.FAIL)
