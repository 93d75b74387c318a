"""How the next trial is chosen, and which are ended early: Optuna's ways, by our names."""

import warnings
from importlib.util import find_spec

import optuna
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, CmaEsSampler, RandomSampler, TPESampler

from vaelab.errors import UserError
from vaelab.search.spec import Spec

UNPRUNED = 5  # complete trials before any is pruned
COMPARED = 3  # of them with a value at the same epoch


def sampler(spec: Spec, seed: int) -> BaseSampler:
    """What draws the settings of a trial.

    A grid's are queued one by one; anything else that is left to be drawn is random there.

    Raises:
        UserError: it needs a package that is not installed.
    """
    if spec.sampler == "cmaes":
        if find_spec("cmaes") is None:
            raise UserError("sampler=cmaes: needs the package cmaes; pip install cmaes")
        return CmaEsSampler(seed=seed, warn_independent_sampling=False)
    if spec.sampler == "tpe":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            # Settings are drawn together, those of each condition as a group.
            return TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True)
    return RandomSampler(seed=seed)


def pruner(spec: Spec, epochs: int | None) -> BasePruner:
    """What says whether a trial is worth going on with, by its validation bounds so far.

    Args:
        spec: names it.
        epochs: of a whole run, where that is no part of the search.
    """
    if spec.pruner == "hyperband":
        return HyperbandPruner(max_resource=epochs or "auto")
    if spec.pruner == "median":
        return MedianPruner(n_startup_trials=UNPRUNED, n_min_trials=COMPARED)
    return NopPruner()
