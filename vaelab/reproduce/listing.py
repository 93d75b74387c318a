"""What `vaelab list tables` shows: each table and figure with what it takes."""

import json
import textwrap
from pathlib import Path

from vaelab.composing import groups
from vaelab.composing.spelling import duration
from vaelab.reproduce import spec
from vaelab.reproduce.spec import Cell, Table

WIDTH = 76


def listing(kind: str, *folders: Path) -> str:
    """Every table (or figure): its first comment line, its cells and runs, and its cost."""
    lines = [f"  {kind}"]
    output = Path(groups.settings(folders[0])["output_dir"][0])
    options = groups.options(kind, *folders)
    column = max((len(name) for name in options), default=0)
    indent = " " * (column + 7)
    for name, path in options.items():
        table = spec.read(kind, name, path)
        texts = [extent(table), table.cost, estimated(output, table)]
        lines.append(f"     {name:<{column}}  {groups.description(path)}")
        lines += [
            f"{indent}{line}" for text in texts if text for line in textwrap.wrap(text, WIDTH)
        ]
    lines.append(f"  vaelab reproduce {kind}=NAME --dry-run: the runs, timed by a few steps")
    return "\n".join(lines)


def extent(table: Table) -> str:
    """How many cells, and the runs that fill them: cells that train the same share one."""
    own = [cell for cell in table.cells if not cell.quoted]
    runs = {(seed, *trained(cell)) for cell in own for seed in cell.seeds}
    quoted = len(table.cells) - len(own)
    return f"{len(own)} cells in {len(runs)} runs" + (f", {quoted} quoted" if quoted else "")


def trained(cell: Cell) -> list[str]:
    """A cell's overrides but for those that say how its run is evaluated."""
    return sorted(text for text in cell.overrides if not text.startswith("evaluation"))


def estimated(output: Path, table: Table) -> str:
    """What --dry-run found last for each budget; empty if it was not asked here."""
    found = []
    for path in sorted((output / f"{table.kind}s" / table.name).glob("*/estimate.json")):
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
            found.append(f"{path.parent.name} at most {long(known['seconds'])} {known['device']}")
        except (KeyError, TypeError, json.JSONDecodeError):
            continue
    return f"estimated here: {'; '.join(found)}" if found else ""


def long(seconds: float) -> str:
    """Days where hours would be many; tenths of a second where there are few."""
    if seconds < 10:
        return f"{seconds:.1f}s"
    return duration(seconds) if seconds < 172_800 else f"{seconds / 86_400:.1f} days"
