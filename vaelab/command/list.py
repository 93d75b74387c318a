"""List every option of every group, each with what it is."""

from pathlib import Path

from vaelab.command._arguments import Arguments
from vaelab.composing import groups
from vaelab.composing.spelling import nearest
from vaelab.errors import UserError

PRESETS = {f"{kind}s": (kind,) for kind in groups.TABLES} | {"tables": groups.TABLES}
ASIDE = ("budget", "diagnosis", "search")  # groups of other commands than train


def run(arguments: list[str]) -> int:
    """Print the options of all groups, or of those named; tables and the like with their cost."""
    usage = "[GROUP|tables|figures|claims|budget|diagnosis|search ...] [--config-dir DIR]"
    parser = Arguments("list", usage)
    parser.add_argument("groups", nargs="*")
    parser.add_argument("--config-dir")
    given = parser.parse_intermixed_args(arguments)
    if given.help:
        return parser.explain(__doc__)
    folders = [groups.config_dir()]
    if given.config_dir is not None:
        if not Path(given.config_dir).is_dir():
            raise UserError(f"--config-dir {given.config_dir}: no such folder")
        folders.append(Path(given.config_dir).resolve())
    known = groups.groups(*folders)
    presets = PRESETS | {kind: (kind,) for kind in groups.TABLES}
    others = ["tables", *ASIDE]
    for name in given.groups:
        if name not in known and name not in presets and name not in ASIDE:
            raise UserError(f"{name}: no such group{nearest(name, [*known, *others])}")
    for name in given.groups or [*known, *others]:
        if name in presets:
            from vaelab.reproduce.listing import listing

            print("\n".join(listing(kind, *folders) for kind in presets[name]))
        else:
            print(groups.listing(*folders, only=name))
    return 0
