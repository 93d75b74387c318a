"""The loggers of a run, from its beginning to its end: settings, epochs, results, figures."""

import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pytorch_lightning.loggers import Logger

from vaelab.build import construct
from vaelab.errors import Interrupted
from vaelab.logger.base import Concluding, logged, recorded
from vaelab.runs.evaluated import weights
from vaelab.runs.run import Run

log = logging.getLogger(__name__)


@contextmanager
def loggers(config: Mapping[str, Any], run: Run) -> Iterator[list[Logger]]:
    """Those that were asked for, told the run's settings; closed afterwards, whatever happens.

    None for `logger=csv`, and none in the further processes of a run.
    """
    made: list[Logger] = []
    status = "failed"
    try:
        if run.writable and config["logger"]:
            given = {"logged": logged(config, run), "save_dir": str(run.folder)}
            for node in config["logger"].values():
                made.append(construct(node, given))
                made[-1].log_hyperparams(recorded(config))
        yield made
        status = "complete"
    except (Interrupted, KeyboardInterrupt):
        status = "interrupted"
        raise
    finally:
        for one in made:
            if isinstance(one, Concluding):
                _forgiving(one.close, status)


def conclude(made: list[Logger], config: Mapping[str, Any], run: Run) -> None:
    """Give loggers what training did not: results by split, figures, the model."""
    if not made:
        return
    found = run.read()
    step = int(found["training"]["epochs"])
    numbers = {
        f"{split}/{name}": float(metric["value"])
        for split, metrics in found["metrics"].items()
        for name, metric in metrics.items()
        if isinstance(metric.get("value"), int | float)
    }
    figures = sorted(one for one in run.figures.glob("*") if one.suffix in (".png", ".txt"))
    for one in made:
        _forgiving(one.log_metrics, numbers, step)
        if isinstance(one, Concluding):
            _forgiving(one.add_files, figures, weights(run, config, None))


def _forgiving(do: Any, *arguments: Any) -> None:
    """A logger that fails in the end must not cost the run its results; it is said."""
    try:
        do(*arguments)
    except Exception as error:
        log.warning("%s failed: %s: %s", do.__qualname__, type(error).__name__, error)
        log.debug("as follows", exc_info=sys.exc_info())
