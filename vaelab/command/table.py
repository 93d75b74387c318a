"""Show a paper's table again from the run folders, without training."""

from vaelab.command._arguments import Arguments
from vaelab.composing import groups

USAGE = "NAME [budget=full|short|smoke] [NAME=VALUE ...]"
HELP = """
  NAME is a table, a figure or a claim (vaelab list tables). Other words are those of
  vaelab reproduce; give the same settings, output_dir among them, to find the same runs.

  vaelab table vampprior_2 budget=smoke"""


def run(arguments: list[str]) -> int:
    """Collect the table and write its pages."""
    parser = Arguments("table", USAGE)
    parser.add_argument("name", nargs="?", metavar="NAME")
    parser.add_argument("words", nargs="*", metavar="NAME=VALUE")
    parser.add_argument("--config-dir")
    given = parser.parse_intermixed_args(arguments)
    if given.help:
        return parser.explain(f"{__doc__}\n{HELP}")
    name = parser.required(given.name, "NAME")
    from vaelab.composing.compose import Composer
    from vaelab.reproduce import request
    from vaelab.reproduce.make import planned_cells, show

    folders = request.config_folders(given.config_dir)
    kinds = [kind for kind in groups.TABLES if name in groups.options(kind, *folders)]
    kind = next(iter(kinds), "table")
    first = name if "=" in name else f"{kind}={name}"
    asked = request.read([first, *given.words], given.config_dir)
    composer = Composer(given.config_dir)
    show(asked, planned_cells(asked, composer))
    return 0
