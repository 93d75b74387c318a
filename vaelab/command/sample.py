"""Draw from the model of a trained run."""

from vaelab.command._arguments import Arguments, whole

USAGE = "RUN [--count N] [--component K] [--seed S] [NAME=VALUE ...]"
HELP = """
  --count N       how many (64)
  --component K   from one component of a mixture prior, counted from 0
  --seed S        of the draws (0)
  Settings such as lightning=cpu or threads=2 are those of train."""


def run(arguments: list[str]) -> int:
    """Sample from RUN's prior and print where the files are."""
    parser = Arguments("sample", USAGE)
    parser.add_argument("run", nargs="?", metavar="RUN")
    parser.add_argument("overrides", nargs="*", metavar="NAME=VALUE")
    parser.add_argument("--count", type=whole(1), default=64)
    parser.add_argument("--component", type=whole(0))
    parser.add_argument("--seed", type=whole(0), default=0)
    given = parser.parse_intermixed_args(arguments)
    if given.help:
        return parser.explain(f"{__doc__}\n{HELP}")
    from vaelab import run as runs

    found = runs.find(parser.required(given.run, "RUN"))
    from vaelab.again import settings_for

    config = settings_for(found, given.overrides, evaluation="quick")
    from vaelab.evaluation.run import sample_run

    for path in sample_run(found, config, given.count, given.component, given.seed):
        print(path)
    return 0
