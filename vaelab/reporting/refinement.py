"""The ELBO along the steps of a refinement, one curve a run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vaelab.reporting.style import BLUE, GREEN, INK, ORANGE, PURPLE, Heading, figure, plain

SIZE = (5.6, 3.6)  # inches
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, INK)


def refinement_curves(runs: Mapping[str, Mapping[str, Any]], path: Path, heading: Heading) -> Path:
    """A line for each label: `elbo` against `step`."""
    with figure(path, SIZE, heading) as drawn:
        axes = plain(drawn.subplots())
        for number, (label, one) in enumerate(runs.items()):
            colour = COLOURS[number % len(COLOURS)]
            axes.plot(one["step"], one["elbo"], "o-", color=colour, markersize=2.5, label=label)
        axes.set_xlabel("refinement step")
        axes.set_ylabel("ELBO, nats")
        axes.legend(loc="lower right")
    return path
