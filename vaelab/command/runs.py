"""Show what runs are doing: state, epoch, ELBO, time to finish; also of those started elsewhere."""

import json
from dataclasses import asdict
from pathlib import Path

from vaelab.command._arguments import Arguments
from vaelab.composing import groups
from vaelab.errors import UserError

USAGE = "[FOLDER ...] [--watch] [--json]"
HELP = """
  FOLDER is a run, or a folder with runs below it; without one, the runs of output_dir here.
  Runs of a sweep stand together, also those that have not begun. ELBO, KL and active units are
  the validation data's at beta = 1; "heard" is the time since a run's last sign of life.

  --watch   rewrite it until nothing runs; Ctrl-C leaves, the runs go on. What runs stands first,
            and what the terminal has no room for is counted
  --json    one list of runs, for scripts

  vaelab runs outputs/train --watch"""


def run(arguments: list[str]) -> int:
    """Read the run folders and print a table of them."""
    parser = Arguments("runs", USAGE)
    parser.add_argument("folders", nargs="*", metavar="FOLDER")
    parser.add_argument("--watch", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_intermixed_args(arguments)
    if given.help:
        return parser.explain(f"{__doc__}\n{HELP}")
    if given.watch and given.json:
        raise UserError("--json: cannot be used with --watch; leave one of them out")
    folders = [Path(one) for one in given.folders or [default()]]
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"{folder}: no such folder; FOLDER has runs below it, as outputs has")
    from vaelab.reporting.runs import overview

    found = overview(folders)
    if given.json:
        rows = [
            {"sweep": group.sweep.name if group.sweep else None}
            | asdict(row)
            | {"folder": str(row.folder)}
            for group in found
            for row in group.rows
        ]
        print(json.dumps(rows, indent=2))
        return 0
    from rich.console import Console

    from vaelab.reporting import live

    console = Console(highlight=False)
    if given.watch:
        live.watch(lambda: overview(folders), console)
    else:
        live.show(found, console)
    return 0


def default() -> str:
    """Where runs are made unless something else is said."""
    return str(groups.settings(groups.config_dir())["output_dir"][0])
