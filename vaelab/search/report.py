"""What a study has found: a table of its best trials, what mattered, trials.csv and two figures."""

import csv
import os
import warnings
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState
from rich.table import Table

from vaelab.reporting.summary import make_console
from vaelab.runs.run import command
from vaelab.search import figures, runs
from vaelab.search.names import BOUND
from vaelab.search.spec import Spec
from vaelab.search.study import Study

SHOWN = 10
ENOUGH = 10  # complete trials before it is said which setting matters
STATES = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}


def report(study: Study, spec: Spec, config_dir: str | None = None) -> None:
    """Print what was found and write it beside the study."""
    console = make_console()
    ranked = study.ranked()
    pruned, failed = study.of(TrialState.PRUNED), study.of(TrialState.FAIL)
    console.print(
        f"{study.done} of {spec.trials} trials, {len(pruned)} of them pruned"
        + (f"; {len(failed)} failed besides" if failed else ""),
        markup=False,
    )
    for one in failed:
        told = " ".join(runs.words(spec, settings(one))[len(spec.settings) :])
        console.print(f"failed: {told}: {one.user_attrs['reason']}", markup=False)
    if not ranked:
        console.print("no trial is complete: there is no best one")
        return
    console.print(best_table(ranked[:SHOWN], spec))
    if weights := importance(study):
        shown = ", ".join(f"{name} {weight:.0%}" for name, weight in weights.items())
        console.print(f"share of the differences, by PED-ANOVA: {shown}", markup=False)
    elif len(ranked) < ENOUGH:
        console.print(f"which setting matters is said from {ENOUGH} complete trials on")
    written = [write_csv(study, spec), *figures.draw(study, spec)]
    for path in written:
        console.print(f"written: {os.path.relpath(path)}", markup=False)
    console.print(
        f"best: {best_command(ranked[0], spec, config_dir)}", markup=False, soft_wrap=True
    )


def best_table(ranked: list[FrozenTrial], spec: Spec) -> Table:
    """A row a trial: its value, its settings, its folders."""
    table = Table()
    table.add_column(axis(spec), justify="right", no_wrap=True)
    table.add_column("settings", overflow="fold")
    if len(spec.seeds) > 1:
        table.add_column("by seed", overflow="fold")
    table.add_column("folder", overflow="fold")
    for one in ranked:
        words = " ".join(runs.words(spec, settings(one))[len(spec.settings) :])
        by_seed = ", ".join(f"{value:.2f}" for value in one.user_attrs["values"])
        folders = [os.path.relpath(path) for path in one.user_attrs["runs"]]
        cells = [f"{one.value:.4f}", words, *([by_seed] if len(spec.seeds) > 1 else [])]
        table.add_row(*cells, "\n".join(folders))
    return table


def best_command(best: FrozenTrial, spec: Spec, config_dir: str | None) -> str:
    """What is typed to get the best trial's runs, which are there already."""
    seeds = ",".join(map(str, spec.seeds))
    words = [*runs.words(spec, settings(best)), f"seed={seeds}"]
    several = ["-m"] if len(spec.seeds) > 1 else []
    return command([*several, *words, *(["--config-dir", config_dir] if config_dir else [])])


def importance(study: Study) -> dict[str, float]:
    """How much of the trials' differences each setting explains; empty of too few trials."""
    values = {one.value for one in study.of(TrialState.COMPLETE)}
    if len(study.of(TrialState.COMPLETE)) < ENOUGH or len(values) < 2:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.importance.get_param_importances(
            study.optuna, evaluator=optuna.importance.PedAnovaImportanceEvaluator()
        )


def write_csv(study: Study, spec: Spec) -> Path:
    """trials.csv: every trial in the order of time."""
    path = study.folder / "trials.csv"
    names = [one.name for one in spec.space]
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["trial", "status", "value", *names, "reason", "runs"])
        for one in study.of(*STATES):
            known = one.user_attrs
            chosen = [settings(one).get(name, "") for name in names]
            reason = known.get("reason") or known.get("pruned", "")
            folders = " ".join(known.get("runs", []))
            rows.writerow([one.number, STATES[one.state], one.value, *chosen, reason, folders])
    return path


def settings(trial: FrozenTrial) -> dict[str, Any]:
    """What was drawn, as typed."""
    return trial.user_attrs.get("settings", {})


def axis(spec: Spec) -> str:
    """The metric in words."""
    return "validation bound" if spec.metric == BOUND else spec.metric.replace("/", " ")
