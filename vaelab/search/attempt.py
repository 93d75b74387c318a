"""One trial: its runs, one a seed, brought to their ends, and what they say."""

import logging
import shlex
import time
from collections.abc import Callable
from statistics import mean

from optuna.trial import Trial, TrialState

from vaelab.composing.compose import Composer
from vaelab.errors import UserError, one_line
from vaelab.runs import own_files
from vaelab.runs.job import Task, evaluate, train
from vaelab.runs.run import Busy, Run
from vaelab.search import runs
from vaelab.search.spec import Spec
from vaelab.search.study import Study
from vaelab.sweeps.plan import check

log = logging.getLogger(__name__)


class Attempt:
    """A trial that this process has claimed."""

    def __init__(self, study: Study, spec: Spec, composer: Composer, trial: Trial) -> None:
        self.study = study
        self.spec = spec
        self.composer = composer
        self.trial = trial
        self.chosen: dict[str, str] = trial.user_attrs["settings"]
        best = study.best
        so_far = "" if best is None else f", best {best.value:.2f}"
        at = study.done + len(study.of(TrialState.RUNNING))
        self.label = f"[{at}/{spec.trials}{so_far}]"

    def make(self) -> str:
        """Train what is not finished and tell the study; why it failed, if it did."""
        words = runs.words(self.spec, self.chosen)
        print(self.label, shlex.join(words[len(self.spec.settings) :]), flush=True)
        try:
            value = self.value()
        except Exception as error:  # one trial must not end the others
            if not isinstance(error, UserError):
                log.exception("a trial failed")
            user = isinstance(error, UserError)
            reason = str(error) if user else f"{type(error).__name__}: {error}"
            self.study.fail(self.trial, reason)
            print(f"{self.label} failed: {one_line(reason)}", flush=True)
            return reason
        self.study.finish(self.trial, value)
        said = f"{value:.4f}" if value is not None else self.trial.user_attrs["pruned"]
        print(f"{self.label} {said}", flush=True)
        return ""

    def value(self) -> float | None:
        """The mean over seeds; None where the first of them was pruned.

        Raises:
            UserError: a run failed.
        """
        tasks = [
            runs.task_for(self.spec, self.composer, self.chosen, seed) for seed in self.spec.seeds
        ]
        check(tasks)
        self.trial.set_user_attr("runs", [str(task.folder) for task in tasks])
        found = []
        for number, task in enumerate(tasks):
            run = self.trained(task, judged=number == 0 and self.spec.pruner != "none")
            if run.status == "pruned":
                self.trial.set_user_attr("pruned", run.read()["reason"])
                return None
            if run.status != "complete":
                raise UserError(f"{run.read().get('reason') or run.status} (see {run.log})")
            found.append(runs.value(self.spec, task))
        self.trial.set_user_attr("values", found)
        return mean(found)

    def trained(self, task: Task, judged: bool) -> Run:
        """A run brought to its end, by whomever; one that is finished costs nothing."""
        run = Run(task.folder)
        if run.status == "complete":
            own_files.check(run, task.config)
            if judged:
                for epoch, bound in runs.bounds(task).items():
                    self.trial.report(bound, epoch)
        patiently(run, lambda: train(task, label=self.label, extra=self.pruning(judged)))
        patiently(run, lambda: evaluate(task))
        return run

    def pruning(self, judged: bool) -> list:
        """The callback that asks the study about every epoch."""
        if not judged:
            return []
        from vaelab.callback.pruning import Pruning

        return [Pruning(self.judge)]

    def judge(self, epoch: int, bound: float) -> bool:
        """Whether the study thinks nothing will come of this trial."""
        self.trial.report(bound, epoch)
        return self.trial.should_prune()


def patiently(run: Run, step: Callable[[], object]) -> None:
    """Do something with a run, once no other process is at it."""
    while True:
        try:
            step()
            return
        except Busy as error:
            print(error, flush=True)
            while run.locked():
                time.sleep(0.5)
