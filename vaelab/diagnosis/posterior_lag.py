"""Collapse made visible: true posterior means against the encoder's, through training.

Lagging Inference Networks and Posterior Collapse in VAEs (He et al., 2019), 1901.05534, figure 2:
points along the horizontal axis are "inference collapse" (the model uses z, the encoder does not
follow), points at the origin posterior collapse, points on the diagonal an encoder that keeps up.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vaelab.diagnosis.base import Diagnosis, Progress, Subject
from vaelab.diagnosis.lag_records import Lag, marks, read
from vaelab.errors import UserError
from vaelab.files import finite, write_json
from vaelab.reporting.lag import Panel, animate, draw
from vaelab.reporting.style import Heading

WHAT = "Mean of the true posterior p(z|x) against that of q(z|x)"


class PosteriorLag(Diagnosis):
    """Panels of a few records and an animation of all.

    Args:
        updates: a panel each, the record nearest to it.
        last: a panel of the last record too.
        frames: a second of the animation; None: none is made.
    """

    def __init__(self, updates: Sequence[int], last: bool, frames: float | None) -> None:
        if not updates and not last:
            raise UserError("updates=[]: name one or more, or set last=true")
        if frames is not None and frames <= 0:
            raise UserError(f"frames={frames:g}: must be more than 0, or null")
        self.updates = updates
        self.last = last
        self.frames = frames

    def __call__(self, subjects: Sequence[Subject], folder: Path, progress: Progress) -> list[Path]:
        """posterior_lag.json, posterior_lag.png and posterior_lag.gif."""
        lags = {subject.label: read(subject) for subject in subjects}
        chosen = {label: self.chosen(lag) for label, lag in lags.items()}
        labels = {subject.label: subject.run.read().get("labels", []) for subject in subjects}
        runs = {
            label: record(lag, chosen[label]) | {"labels": labels[label]}
            for label, lag in lags.items()
        }
        report = {"estimator": "sum over a grid, without dropout", "split": "train", "runs": runs}
        write_json(folder / "posterior_lag.json", finite(report))
        counts = sorted({len(lag.index) for lag in lags.values()})
        about = [f"{' or '.join(map(str, counts))} training examples", "dashed: no lag"]
        heading = Heading(WHAT, "; ".join([*marks(subjects), *about]))
        rows = {label: [panel(lags[label], at) for at in chosen[label]] for label in lags}
        written = [draw(rows, folder / "posterior_lag.png", heading)]
        if self.frames is not None:
            every = {label: list(map(panel, [lag] * len(lag.update), range(len(lag.update))))
                     for label, lag in lags.items()}  # fmt: skip
            path = folder / "posterior_lag.gif"
            shown = sorted({one.update for panels in every.values() for one in panels})
            with progress("Animation", len(shown)) as advance:
                written.append(animate(every, shown, self.frames, path, heading, advance))
        return [*written, folder / "posterior_lag.json"]

    def chosen(self, lag: Lag) -> list[int]:
        """Records that have a panel, each once, in order."""
        found = {lag.nearest(update) for update in self.updates}
        return sorted(found | ({len(lag.update) - 1} if self.last else set()))

    def summary(self, folder: Path) -> list[str]:
        """The panels in numbers."""
        report = json.loads((folder / "posterior_lag.json").read_text(encoding="utf-8"))
        lines = []
        for label, one in report["runs"].items():
            for at in one["shown"]:
                correlation = one["correlation"][at]
                said = "none" if correlation is None else f"{correlation:.3f}"
                lines.append(
                    f"{label}, update {one['update'][at]}: means' sd {one['sd_model'][at]:.3g} "
                    f"(model) and {one['sd_encoder'][at]:.3g} (encoder), correlation {said}, "
                    f"KL {one['kl'][at]:.3g} and MI {one['mi'][at]:.3g} nats"
                )
        return lines


def record(lag: Lag, shown: Sequence[int]) -> dict[str, Any]:
    """A run's numbers, a list over its records each."""
    return {
        "n": len(lag.index),
        "update": lag.update.tolist(),
        "encoder_updates": lag.encoder_updates.tolist(),
        "sd_model": lag.model.std(1).tolist(),
        "sd_encoder": lag.encoder.std(1).tolist(),
        "correlation": [lag.correlation(at) for at in range(len(lag.update))],
        "kl": lag.kl.tolist(),
        "mi": lag.mi.tolist(),
        "shown": list(shown),
    }


def panel(lag: Lag, at: int) -> Panel:
    """One record as it is drawn."""
    text = f"KL {lag.kl[at]:.2f}, MI {lag.mi[at]:.2f}"
    return Panel(int(lag.update[at]), lag.model[at], lag.encoder[at], text)
