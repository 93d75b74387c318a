"""Two figures of a study: its best value over trials, and its values over each setting."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from optuna.trial import FrozenTrial, TrialState

from vaelab.reporting.style import BLUE, FAINT, ORANGE, Heading, figure, plain
from vaelab.search.names import BOUND
from vaelab.search.space import Choice, Parameter
from vaelab.search.spec import Spec
from vaelab.search.study import COUNTED, Study

ACROSS = 3
LONGEST = 14  # characters of a value before labels are slanted
KEPT = 0.9  # the share of values that the axis is made for: the worst lie far off


def draw(study: Study, spec: Spec) -> list[Path]:
    """history.png and slices.png in the study's folder; nothing without a complete trial."""
    trials = study.of(*COUNTED)
    if not study.of(TrialState.COMPLETE):
        return []
    better = "higher is better" if spec.maximize else "lower is better"
    pruned = len(study.of(TrialState.PRUNED))
    grey = f", {pruned} pruned (grey, at their last bound)" if pruned else ""
    about = f"{study.folder.name}; {len(trials)} trials{grey}; {better}"
    if len(spec.seeds) > 1:
        about += f"; means of {len(spec.seeds)} seeds"
    return [
        history(trials, spec, study.folder / "history.png", about),
        slices(trials, spec, study.folder / "slices.png", about),
    ]


def history(trials: Sequence[FrozenTrial], spec: Spec, path: Path, about: str) -> Path:
    """Every trial as a dot, and the best so far as a line."""
    values, complete = arrays(trials)
    best = np.where(complete, values, -np.inf if spec.maximize else np.inf)
    best = (np.maximum if spec.maximize else np.minimum).accumulate(best)
    known = np.isfinite(best)
    at = np.arange(1, len(trials) + 1)
    with figure(path, (6.0, 3.6), Heading("Best value over trials", about)) as drawn:
        axes = plain(drawn.subplots())
        dots(axes, at, values, complete)
        axes.step(at[known], best[known], where="post", color=ORANGE, label="best so far")
        axes.set_xlabel("trial")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        limits(axes, values, spec)
        axes.legend(loc="best")
    return path


def slices(trials: Sequence[FrozenTrial], spec: Spec, path: Path, about: str) -> Path:
    """Axes for each setting: the values of the trials in which it mattered."""
    down = -(-len(spec.space) // ACROSS)
    across = min(ACROSS, len(spec.space))
    heading = Heading("Value against each setting", about)
    with figure(path, (3.2 * across + 0.6, 2.8 * down + 0.6), heading) as drawn:
        grid = drawn.subplots(down, across, squeeze=False)
        every = arrays(trials)[0]
        for number, axes in enumerate(grid.flat):
            if number >= len(spec.space):
                axes.set_visible(False)
                continue
            one_slice(plain(axes), spec.space[number], trials)
            limits(axes, every, spec, label=number % across == 0)
    return path


def one_slice(axes: Axes, one: Parameter, trials: Sequence[FrozenTrial]) -> None:
    """Values over one setting."""
    own = [trial for trial in trials if one.name in trial.params]
    values, complete = arrays(own)
    drawn = [trial.params[one.name] for trial in own]
    axes.set_xlabel("\n".join(one.settings))
    if isinstance(one.domain, Choice):
        texts = one.domain.texts
        dots(axes, np.array([texts.index(text) for text in drawn]), values, complete)
        axes.set_xlim(-0.5, len(texts) - 0.5)
        slanted = sum(map(len, texts)) > LONGEST * 2 or max(map(len, texts)) > LONGEST
        style = {"rotation": 30, "ha": "right"} if slanted else {}
        axes.set_xticks(range(len(texts)), list(texts), **style)
        return
    dots(axes, np.array(drawn, dtype=float), values, complete)
    if one.domain.log:
        axes.set_xscale("log")


def dots(axes: Axes, x: np.ndarray, y: np.ndarray, complete: np.ndarray) -> None:
    """Complete trials in blue over pruned ones."""
    axes.plot(x[~complete], y[~complete], "o", color=FAINT, markersize=4)
    axes.plot(x[complete], y[complete], "o", color=BLUE, markersize=4, zorder=3)


def limits(axes: Axes, values: np.ndarray, spec: Spec, label: bool = True) -> None:
    """An axis on which the better ones can be told apart, whatever the worst are."""
    finite = values[np.isfinite(values)]
    worst, best = (1 - KEPT, 1.0) if spec.maximize else (0.0, KEPT)
    low, high = np.quantile(finite, [worst, best])
    margin = 0.08 * (high - low) or 1.0
    axes.set_ylim(low - margin, high + margin)
    if label:
        name = "validation bound (nats)" if spec.metric == BOUND else spec.metric.replace("/", " ")
        axes.set_ylabel(name)


def arrays(trials: Sequence[FrozenTrial]) -> tuple[np.ndarray, np.ndarray]:
    """Values, the last bound of a pruned trial, and which trials are complete."""
    values = [math.nan if one.value is None else one.value for one in trials]
    return np.array(values), np.array([one.state == TrialState.COMPLETE for one in trials], bool)
