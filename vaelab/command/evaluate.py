"""Evaluate a trained run again, with other settings or another way to find the posterior."""

from collections.abc import Mapping
from typing import Any

from vaelab.command._arguments import Arguments
from vaelab.errors import UserError

USAGE = "RUN [NAME=VALUE ...]"
HELP = """
  RUN is a run folder, or a folder with one run below it. Settings are the run's own, with
  evaluation=paper; name others to change them. The result is a file in RUN/evaluations.

  vaelab evaluate RUN evaluation.samples=500
  vaelab evaluate RUN evaluation=quick trainer=savae trainer.steps=80 lightning=cpu"""


def run(arguments: list[str]) -> int:
    """Evaluate RUN and print the metrics."""
    parser = Arguments("evaluate", USAGE)
    parser.add_argument("run", nargs="?", metavar="RUN")
    parser.add_argument("overrides", nargs="*", metavar="NAME=VALUE")
    given = parser.parse_intermixed_args(arguments)
    if given.help:
        return parser.explain(f"{__doc__}\n{HELP}")
    from vaelab.runs import run as runs

    found = runs.find(parser.required(given.run, "RUN"))
    from vaelab.runs.again import settings_for

    config = settings_for(found, given.overrides)
    alone(config["lightning"], given.overrides)
    from vaelab.evaluation.run import evaluate_run
    from vaelab.reporting.summary import show_evaluation

    show_evaluation(evaluate_run(found, config))
    return 0


def alone(lightning: Mapping[str, Any], typed: list[str]) -> None:
    """Refuse several processes or devices; a run that had them is evaluated on one.

    Raises:
        UserError: they were asked for.
    """
    from vaelab import partners

    partners.check_sweep({"devices": 1, "num_nodes": 1}, "vaelab evaluate", "start one")
    named = [word for word in typed if word.startswith("lightning.")]
    if named and partners.several(lightning):
        raise UserError(f"{named[0]}: an evaluation is made on one device; leave it out")
