"""Search settings by trial: space=NAME; the same command again goes on to the total."""

from pathlib import Path

from vaelab.command._arguments import Arguments
from vaelab.composing import groups
from vaelab.errors import UserError

USAGE = "space=NAME|FILE.yaml [trials=30] [NAME=VALUE ...] [--dry-run] [--config-dir DIR]"
HELP = """
  trials=N               complete or pruned ones in all: the same command with more goes on
  seeds=1,2              runs of each trial; their mean counts
  metric=bound           of validation data: bound (at beta = 1), valid/nll, valid/elbo, valid/iwae,
                         valid/ppl, valid/log_likelihood
  sampler=tpe            tpe, random, grid, or cmaes (where that package is installed)
  pruner=median          median, hyperband or none; never before the warm-up of beta is over, and
                         a tenth of a run's epochs after it
  timeout=SECONDS        begin no trial after this time
  NAME=VALUE             a setting of every trial, as in vaelab train
  --dry-run              the space, the trials that are done and the next settings

  Every trial is an ordinary run, found and resumed by its settings. A killed trial goes on from
  its checkpoint; one that fails is named and does not count. The same command in a second
  terminal works on the same study. Another space, metric or setting is another study.

  A space is a YAML (vaelab list search; configs/search/optimizer.yaml explains it)."""


def run(arguments: list[str]) -> int:
    """Make the trials that are missing and show the best."""
    parser = Arguments("search", USAGE)
    parser.add_argument("words", nargs="*", metavar="NAME=VALUE")
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--config-dir")
    given = parser.parse_intermixed_args(arguments)
    if given.help:
        return parser.explain(f"{__doc__}\n{HELP}")
    names = [word.partition("=")[2] for word in given.words if word.startswith("space=")]
    if len(names) != 1:
        known = ", ".join(groups.options("search", groups.config_dir()))
        raise UserError(f"name one space, as in space=NAME or space=FILE.yaml (options: {known})")
    from importlib.util import find_spec

    if find_spec("optuna") is None:
        raise UserError("vaelab search needs the package optuna; pip install 'vaelab[search]'")
    from vaelab.search import spec

    folders = [groups.config_dir()]
    if given.config_dir is not None:
        folders.append(Path(given.config_dir).resolve())
    own = [word for word in given.words if not word.startswith("space=")]
    asked = spec.typed(spec.find(names[0], *folders), own)
    from vaelab.search.make import search

    return search(asked, given.config_dir, given.dry_run)
