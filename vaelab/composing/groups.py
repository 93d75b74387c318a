"""What can be chosen, read from the YAML files without a parser, so that start-up is instant."""

import re
from functools import cache
from pathlib import Path

PRIMARY = "train.yaml"
TABLES = ("table", "figure", "claim")  # what vaelab reproduce makes
HIDDEN = ("hydra", *TABLES, "budget", "search", "diagnosis")

_DEFAULT = re.compile(r"^\s*-\s*/?([\w/]+)(?:@([\w.]+))?:\s*(\S+)")
_SETTING = re.compile(r"^(\w+):\s*(.*?)\s*(?:#\s*(.*))?$")


def config_dir() -> Path:
    """The folder of configs: inside an installed package, beside it in a checkout.

    Raises:
        FileNotFoundError: neither has train.yaml; the installation is broken.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "configs", package.parent / "configs"):
        if (folder / PRIMARY).is_file():
            return folder
    raise FileNotFoundError(
        f"no {PRIMARY} in {package / 'configs'} or {package.parent / 'configs'}"
    )


def description(path: Path) -> str:
    """The first comment line of a YAML that is not a directive of Hydra."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if not line.startswith("#"):
                return ""
            text = line.lstrip("# ").strip()
            if text and not text.startswith("@package"):
                return text
    return ""


def options(group: str, *folders: Path) -> dict[str, Path]:
    """Every option of a group and its file, those in subfolders as `folder/name`."""
    found: dict[str, Path] = {}
    for folder in folders:
        base = folder / group
        for path in sorted(base.rglob("*.yaml")):
            found.setdefault(path.relative_to(base).with_suffix("").as_posix(), path)
    return found


def groups(*folders: Path) -> list[str]:
    """Every group that has an option: those of the defaults list first, in its order."""
    names = [group for group, _, _ in defaults(folders[0]) if not group.startswith("hydra")]
    for folder in folders:
        names += sorted(path.name for path in folder.iterdir() if path.is_dir())
    unique = [name for name in dict.fromkeys(names) if name not in HIDDEN]
    return [name for name in unique if options(name, *folders)]


@cache
def defaults(folder: Path) -> tuple[tuple[str, str, str], ...]:
    """(group, where it is mounted, chosen option) of each line of train.yaml's defaults list."""
    found = []
    for line in _block(folder, inside=True):
        if match := _DEFAULT.match(line):
            group, package, option = match.groups()
            found.append((group, package or group, option))
    return tuple(found)


def mounts(folder: Path) -> dict[str, str]:
    """Where a group is mounted under another name: {"optimizer.phi": "optimizer", ...}."""
    return {package: group for group, package, _ in defaults(folder) if package != group}


def settings(folder: Path) -> dict[str, tuple[str, str]]:
    """Top-level settings of train.yaml: name, (default, its comment)."""
    found = {}
    for line in _block(folder, inside=False):
        if match := _SETTING.match(line):
            name, value, comment = match.groups()
            found[name] = (value, comment or "")
    return {name: value for name, value in found.items() if name != "hydra"}


def listing(*folders: Path, only: str | None = None) -> str:
    """Every option of every group, one line each, the default marked with a star."""
    chosen = {(group, option) for group, _, option in defaults(folders[0])}
    lines = []
    for group in groups(*folders) if only is None else [only]:
        lines.append(f"  {group}")
        found = options(group, *folders)
        width = max([14, *map(len, found)])
        for option, path in found.items():
            star = "*" if (group, option) in chosen else " "
            lines.append(f"   {star} {option:<{width}}  {description(path)}")
    return "\n".join(lines)


def _block(folder: Path, inside: bool) -> list[str]:
    """Lines of train.yaml inside or outside its defaults list."""
    kept, within = [], False
    for line in (folder / PRIMARY).read_text(encoding="utf-8").splitlines():
        if line.startswith("defaults:"):
            within = True
        elif line[:1] not in (" ", "-", "#", ""):
            within = False
        if within == inside and not line.startswith(("defaults:", "#")):
            kept.append(line)
    return kept
