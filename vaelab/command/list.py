"""List every option of every group, each with what it is."""

from pathlib import Path

from vaelab import groups
from vaelab.command._arguments import Arguments
from vaelab.errors import UserError
from vaelab.spelling import nearest


def run(arguments: list[str]) -> int:
    """Print the options of all groups, or of those named."""
    parser = Arguments("list", "[GROUP ...] [--config-dir DIR]")
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
    for name in given.groups:
        if name not in known:
            raise UserError(f"{name}: no such group{nearest(name, known)}")
    for name in given.groups or known:
        print(groups.listing(*folders, only=name))
    return 0
