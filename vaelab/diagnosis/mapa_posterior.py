"""The index posterior of trainer=mapa beside the exact posterior of the model that made the data.

A diagnosis of this project's own: trainer=mapa is derived from the abstract of 2403.08941, whose
claim is that a posterior known before training follows the trend of the true one. Here it is
placed on the codes of which the data were made.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np
import torch

from vaelab.diagnosis.base import Diagnosis, Progress, Subject
from vaelab.diagnosis.index_posterior import Distances, compare
from vaelab.diagnosis.integral import known, learned, noisier, start
from vaelab.diagnosis.known_run import Case, known_case
from vaelab.diagnosis.placed import placed
from vaelab.errors import UserError
from vaelab.files import write_json
from vaelab.reporting.index_posteriors import Column, draw
from vaelab.reporting.style import Heading

LETTERS = 60  # of a label in a heading
NOT_SETTLED = "quadrature not settled"


class MapaPosterior(Diagnosis):
    """Distances over all training examples; a picture of some, one of each run.

    Args:
        examples: of the training data, from 0; None: the nearest to the origin, the one with the
            widest exact posterior, and those whose q is off by as much as most and farthest.
        chunk: points of z in one pass of the decoder.
        epoch: whose weights, one of `snapshots`; None: of the selected epoch.
    """

    def __init__(self, examples: list[int] | None, chunk: int, epoch: int | None) -> None:
        if examples is not None and (not examples or min(examples) < 0):
            raise UserError(f"examples={examples}: must be training examples, counted from 0")
        if chunk < 1:
            raise UserError(f"chunk={chunk}: must be at least 1")
        self.examples = examples
        self.chunk = chunk
        self.epoch = epoch

    def __call__(self, subjects: Sequence[Subject], folder: Path, progress: Progress) -> list[Path]:
        """mapa_posterior.json, and of each run a picture and an .npz of all examples' distances."""
        records: dict[str, Any] = {}
        written = []
        with progress("Index posteriors", len(subjects)) as advance:
            for number, subject in enumerate(subjects, start=1):
                stem = folder / f"mapa_posterior-{number}"
                records[subject.label] = self._one(subject, stem)
                written += [stem.with_suffix(".png"), stem.with_suffix(".npz")]
                advance(1)
        estimator = "all training examples, true codes; densities by quadrature over z"
        write_json(folder / "mapa_posterior.json", {"estimator": estimator, "runs": records})
        return [*written, folder / "mapa_posterior.json"]

    def _one(self, subject: Subject, stem: Path) -> dict[str, Any]:
        """Measure and draw one run."""
        case = known_case(subject, subject.load(self.epoch))
        rows = case.tables.rows
        found = compare(
            rows,
            case.x,
            case.dataset.decode(case.codes),
            case.codes,
            case.dataset.noise,
            case.kernel_variance,
        )
        shown = self._shown(case, found)
        columns, settled = columned(case, shown, found, self.chunk)
        arrays = {name: one.numpy() for name, one in found.arrays.items()}
        np.savez(stem.with_suffix(".npz"), **arrays)  # pyright: ignore
        numbers = {name: one.mean() for name, one in arrays.items() if name != "spread"}
        doubts = [] if settled else [NOT_SETTLED]
        about = [*case.loaded.labels, *doubts, f"means: {in_words(numbers)}"]
        label = shorten(subject.label, LETTERS, placeholder=" ...")
        what = f"Index posteriors of training examples: {label}"
        heading = Heading(what, "; ".join(about))
        draw(case.x.numpy(), columns, stem.with_suffix(".png"), heading)
        return {
            **{name: float(value) for name, value in numbers.items()},
            "n": len(rows),
            "noise": case.dataset.noise,
            "kernel_variance": float(case.kernel_variance.median()),
            "perplexity": float(rows.entropy().exp().median()),
            "shown": {str(index): role for index, role in shown.items()},
            "file": stem.with_suffix(".npz").name,
            "picture": stem.with_suffix(".png").name,
            "epoch": case.loaded.epoch,
            "labels": [*case.loaded.labels, *doubts],
        }

    def _shown(self, case: Case, found: Distances) -> dict[int, str]:
        """Examples and what they are chosen for."""
        size = len(case.x)
        if self.examples is not None:
            if max(self.examples) >= size:
                raise UserError(
                    f"examples={self.examples}: {case.subject.run} has {size} training examples, "
                    "counted from 0"
                )
            return {index: f"example {index}" for index in self.examples}
        off = found.tv if found.w1 is None else found.w1
        chosen: dict[int, str] = {}
        for role, index in (
            ("nearest the origin", case.x.norm(dim=1).argmin()),
            ("widest exact posterior", found.spread.argmax()),
            ("typical", (off - off.median()).abs().argmin()),
            ("farthest off", off.argmax()),
        ):
            chosen.setdefault(int(index), f"{role} ({int(index)})")
        return chosen

    def summary(self, folder: Path) -> list[str]:
        """Mean distances of each run."""
        report = json.loads((folder / "mapa_posterior.json").read_text(encoding="utf-8"))
        lines = []
        for label, one in report["runs"].items():
            about = ", ".join([f"{one['n']} training examples", *one["labels"]])
            lines.append(f"{label}: {in_words(one)} ({about})")
        return lines


def columned(
    case: Case, shown: Mapping[int, str], found: Distances, rows: int
) -> tuple[list[Column], bool]:
    """The picture's columns, and whether the learned densities' quadrature settled."""
    index = torch.tensor(list(shown))
    x, loaded = case.x[index], case.loaded
    true = known(case.dataset, x)
    variance = case.dataset.noise + case.kernel_variance.expand(len(case.x))[index]
    wider = noisier(case.dataset, x, variance) if true.dim == 1 else None
    start_grid = start(loaded, case.subject)
    own = learned(loaded, loaded.splits.train[index.to(loaded.device)], start_grid, rows)
    weights = torch.from_numpy(case.tables.rows.matrix[index.numpy()].toarray())
    columns = []
    for row, (number, role) in enumerate(shown.items()):
        off = [f"TV {float(found.tv[number]):.2f}"]
        off += [] if found.w1 is None else [f"W1 in z {float(found.w1[number]):.3f}"]
        columns.append(
            Column(
                title=f"{role}\n{', '.join(off)}",
                x=x[row].numpy(),
                true=placed(true, row, case.codes, weights[row], wider),
                learned=placed(own, row, case.learned_codes, weights[row]),
            )
        )
    return columns, own.settled


def in_words(numbers: Mapping[str, float]) -> str:
    """Means over examples, as far as there are any."""
    parts = [f"TV of q to the exact posterior {numbers['tv']:.3f}"]
    if "w1" in numbers:
        parts.append(f"W1 in z {numbers['w1']:.3f}")
        parts.append(f"to that of noise s2 + h2 {numbers['w1_noisier']:.3f}")
        parts.append(f"of all codes alike {numbers['w1_uniform']:.3f}")
    return ", ".join(parts)
