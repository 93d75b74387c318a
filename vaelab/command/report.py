"""Write one HTML page of many runs: tables, seeds, curves, figures; also Markdown, CSV, LaTeX."""

from vaelab.command._arguments import Arguments

USAGE = "[RUN|FOLDER ...] [output=report.html] [formats=html,md,csv,tex] [tables=NAME,...|none]"
USAGE += " [evaluation=own|NAME|HASH]"
HELP = """
  RUN is a run folder; of any other FOLDER all runs below it are taken (outputs, by default),
  unfinished, failed and damaged ones too.

  output=FILE    the page; the other formats lie beside it. Only a report is written over
  formats=html   only these
  tables=NAME    published tables and figures to compare with; by default every one that a run
                 here is a cell of, as vaelab table finds them; none: do not look
  evaluation=own    whose numbers the tables show: what each run ended with; or NAME, as paper, an
                 evaluation that vaelab evaluate made with these settings; or HASH, a file of
                 RUN/evaluations. Each run's details and the CSV have all of them
  --config-dir DIR    also tables of your own

  The page holds everything, pictures too: it can be sent, and needs no network.

  vaelab report outputs/train/digits-* output=digits.html"""


def run(arguments: list[str]) -> int:
    """Write the files and say where they are."""
    parser = Arguments("report", USAGE)
    parser.add_argument("words", nargs="*", metavar="RUN")
    parser.add_argument("--config-dir")
    given = parser.parse_intermixed_args(arguments)
    if given.help:
        return parser.explain(f"{__doc__}\n{HELP}")
    from vaelab.report.make import report

    for path in report(given.words, given.config_dir):
        print(f"written: {path}")
    return 0
