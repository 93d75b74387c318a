"""Evaluate a trained run again, with other settings or another way to find the posterior."""

from vaelab.command._arguments import Arguments

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
    from vaelab import run as runs

    found = runs.find(parser.required(given.run, "RUN"))
    from vaelab.again import settings_for

    config = settings_for(found, given.overrides)
    from vaelab.evaluation.run import evaluate_run
    from vaelab.reporting.summary import show_evaluation

    show_evaluation(evaluate_run(found, config))
    return 0
