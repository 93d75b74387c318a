"""Search: trial after trial until the study has as many as were asked for."""

import time
from dataclasses import replace

import optuna
from optuna.trial import TrialState

from vaelab import partners
from vaelab.composing.compose import Composer
from vaelab.errors import UserError
from vaelab.search import runs
from vaelab.search.attempt import Attempt
from vaelab.search.check import check as check_space
from vaelab.search.check import standing
from vaelab.search.dry_run import show
from vaelab.search.report import report
from vaelab.search.space import grid
from vaelab.search.spec import Spec
from vaelab.search.study import Study

FAILURES = 5  # in a row, after which something is wrong with all of them


class Failing(UserError):
    """One trial after the other fails."""

    status = 1


def search(spec: Spec, config_dir: str | None = None, dry_run: bool = False) -> int:
    """Make the trials that are missing and report; 0 if the study has all that were asked for.

    Raises:
        UserError: something is wrong with the space.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)  # what is to be said, we say
    composer = Composer(config_dir)
    stands_for = standing(spec, composer)
    partners.check_sweep(stands_for.config["lightning"], "vaelab search")
    folder = runs.folder(spec, stands_for)
    epochs = (
        None if any("epochs" in one.settings for one in spec.space) else stands_for.config["epochs"]
    )
    begun = (folder / "journal.log").is_file()
    if not begun:
        check_space(spec, composer)
    if spec.sampler == "grid":  # every point of which is tried once
        spec = replace(spec, trials=min(spec.trials, len(grid(spec.space))))
    if dry_run:
        show(spec, Study(folder, spec, epochs) if begun else None, folder)
        return 0
    study = Study(folder, spec, epochs)
    print(f"{folder}: {study.done} of {spec.trials} trials are done", flush=True)
    try:
        work(study, spec, composer)
    except Failing:
        report(study, spec, config_dir)
        raise
    report(study, spec, config_dir)
    return 0 if study.done >= spec.trials else 1


def work(study: Study, spec: Spec, composer: Composer) -> None:
    """Make trials until none is left, time is up, or nothing but failures comes.

    Raises:
        Failing: several in a row did.
        KeyboardInterrupt: it was asked to stop.
    """
    ends = None if spec.timeout is None else time.monotonic() + spec.timeout
    failures, waiting = 0, False
    with study.working():
        while ends is None or time.monotonic() < ends:
            trial = study.claim()
            if trial is None:
                others = len(study.of(TrialState.RUNNING))
                if others == 0:
                    return
                if not waiting:
                    print(f"waiting for {others} trials of other processes", flush=True)
                waiting = True
                time.sleep(0.5)
                continue
            waiting = False
            reason = Attempt(study, spec, composer, trial).make()
            failures = failures + 1 if reason else 0
            if failures == FAILURES:
                raise Failing(f"{failures} trials in a row failed, the last with: {reason}")
    print(f"timeout={spec.timeout:g}: {study.done} of {spec.trials} trials are done", flush=True)
