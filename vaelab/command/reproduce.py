"""Train and evaluate what is missing of a paper's table, figure or claim, then show it."""

from vaelab.command._arguments import Arguments

USAGE = "table=NAME|figure=NAME|claim=NAME [budget=full|short|smoke] [NAME=VALUE ...] [--dry-run]"
HELP = """
  rows=A,B columns=C     only these cells (vaelab table NAME shows their names)
  seeds=1,2              other seeds than the table's
  NAME=VALUE             a setting for every run: lightning=gpu, threads=1, output_dir=DIR,
                         hydra/launcher=joblib; one that changes the numbers is marked
  --dry-run              the runs, their commands and their cost from a few timed steps

  The same command again keeps what is finished, resumes what was interrupted and retries what
  failed. Anything but budget=full is marked and never judged against the paper.

  vaelab reproduce table=vampprior_2 budget=smoke
  vaelab reproduce table=vampprior_1 rows=freyfaces columns=vae_standard,vae_vamp
  vaelab list tables"""


def run(arguments: list[str]) -> int:
    """Fill the table and write its pages."""
    parser = Arguments("reproduce", USAGE)
    parser.add_argument("words", nargs="*", metavar="NAME=VALUE")
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--config-dir")
    given = parser.parse_intermixed_args(arguments)
    if given.help:
        return parser.explain(f"{__doc__}\n{HELP}")
    from vaelab.composing.compose import Composer
    from vaelab.reproduce import request

    asked = request.read(given.words, given.config_dir)
    composer = Composer(given.config_dir)
    if given.dry_run:
        from vaelab.reproduce.dry_run import dry_run

        return dry_run(asked, composer)
    from vaelab.reproduce.make import reproduce

    return reproduce(asked, composer)
