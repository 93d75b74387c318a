"""What `vaelab list tables` and `list figures` show: each preset with what it takes."""

import textwrap
from pathlib import Path

from vaelab import groups
from vaelab.reproduce import spec
from vaelab.reproduce.spec import Table

WIDTH = 96


def listing(kind: str, *folders: Path) -> str:
    """Every table (or figure): its first comment line, its cells and runs, and its cost."""
    lines = [f"  {kind}"]
    for name, path in groups.options(kind, *folders).items():
        table = spec.read(kind, name, path)
        lines.append(f"     {name:<14}  {groups.description(path)}")
        lines += textwrap.wrap(
            f"{extent(table)}. {table.cost}".strip(),
            WIDTH,
            initial_indent=" " * 21,
            subsequent_indent=" " * 21,
        )
    lines.append(
        f"  vaelab reproduce {kind}=NAME --dry-run lists the runs and times a few steps here"
    )
    return "\n".join(lines)


def extent(table: Table) -> str:
    """How many cells, and the runs that fill them: cells that ask for the same share one."""
    own = [cell for cell in table.cells if not cell.quoted]
    runs = {(seed, *sorted(cell.overrides)) for cell in own for seed in cell.seeds}
    quoted = len(table.cells) - len(own)
    return f"{len(own)} cells in {len(runs)} runs" + (f", {quoted} quoted" if quoted else "")
