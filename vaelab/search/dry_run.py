"""What a search would do: its space, how far it is, and the settings it would try next."""

import shlex
from pathlib import Path

import optuna

from vaelab.search import runs, samplers
from vaelab.search.space import grid, suggest
from vaelab.search.spec import Spec
from vaelab.search.study import Study

SHOWN = 3


def show(spec: Spec, study: Study | None, folder: Path) -> None:
    """Print it; nothing is written.

    Args:
        spec: what is searched.
        study: what there is of it.
        folder: where it is, or would be.
    """
    print(f"study: {folder}")
    for one in spec.space:
        print(f"  {one}")
    if spec.settings:
        print(f"fixed: {shlex.join(spec.fixed)}")
    better = "the more the better" if spec.maximize else "the less the better"
    seeds = ", ".join(map(str, spec.seeds))
    print(f"metric: {spec.metric} ({better}), seeds {seeds}")
    print(f"sampler: {spec.sampler}, pruner: {spec.pruner}")
    print(f"done: {0 if study is None else study.done} of {spec.trials} trials")
    found = proposals(spec, study)
    print("next:" if found else "next: nothing is left")
    for chosen in found:
        print(f"  vaelab train {shlex.join(runs.words(spec, chosen))}")


def proposals(spec: Spec, study: Study | None) -> list[dict[str, str]]:
    """The settings of the next trials, if those before them came to nothing."""
    trials = [] if study is None else study.trials
    left = spec.trials - (0 if study is None else study.done)
    trial_run = optuna.create_study(direction="maximize" if spec.maximize else "minimize")
    trial_run.add_trials([one for one in trials if one.state.is_finished()])
    if spec.sampler == "grid":
        points = grid(spec.space) if study is None else study.points()
        left = min(left, len(points))
        for params in points[:SHOWN]:
            trial_run.enqueue_trial(params)
    found = []
    for number in range(min(SHOWN, left)):
        trial_run.sampler = samplers.sampler(spec, seed=len(trials) + number)
        found.append(suggest(spec.space, trial_run.ask()))
    return found
