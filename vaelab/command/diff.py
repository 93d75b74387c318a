"""Compare two runs: the settings that differ, and metrics with the error of their difference."""

from vaelab.command._arguments import Arguments

HELP = """
  A and B are run folders, or folders with one run below them. Settings are the resolved ones,
  choices first; where and how a run is done (threads, output_dir, ...) comes last. The
  difference is B - A, and its error says whether both are of the same examples.

  Like diff, it exits with 0 where nothing differs, 1 where something does, 2 in trouble.

  vaelab diff outputs/train/digits-*/7f3df547/seed1 outputs/train/digits-*/d99cebb4/seed1"""


def run(arguments: list[str]) -> int:
    """Print what differs."""
    parser = Arguments("diff", "A B")
    parser.add_argument("a", nargs="?", metavar="A")
    parser.add_argument("b", nargs="?", metavar="B")
    given = parser.parse_intermixed_args(arguments)
    if given.help:
        return parser.explain(f"{__doc__}\n{HELP}")
    from vaelab.runs import run as runs

    a = runs.find(parser.required(given.a, "A"))
    b = runs.find(parser.required(given.b, "B"))
    from vaelab.report.difference_text import show

    return int(show(a, b))
