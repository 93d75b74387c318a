"""Effective sample size of the importance weights of each example, one violin a run.

Tighter Variational Bounds are Not Necessarily Better (Rainforth et al., 2018), 1802.04537, compares
estimators by it: (sum w)^2 / sum w^2 over S samples of q(z|x), normalised by S, over a test set.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from vaelab.diagnosis.base import Diagnosis, Progress, Subject
from vaelab.errors import UserError
from vaelab.evaluation.measure import measure
from vaelab.evaluation.metric import over_examples
from vaelab.files import write_json
from vaelab.reporting.style import Heading
from vaelab.reporting.violins import violins

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


class Ess(Diagnosis):
    """Effective sample size over a split, of the very samples an evaluation would draw.

    Args:
        samples: S, drawn from the posterior of each example.
        examples: how many of the split, drawn by the seed; None: all.
        split: of the data.
        seed: of the examples, of their binarisation and of the latents.
        chunk: samples x examples in one pass of the decoder.
        epoch: whose weights, one of `snapshots`; None: of the selected epoch.
    """

    def __init__(
        self,
        samples: int,
        examples: int | None,
        split: Literal["train", "valid", "test"],
        seed: int,
        chunk: int,
        epoch: int | None,
    ) -> None:
        for name, value, least in (
            ("samples", samples, 1),
            ("examples", examples, 2),
            ("chunk", chunk, 1),
        ):
            if value is not None and value < least:
                raise UserError(f"{name}={value}: must be at least {least}")
        self.samples = samples
        self.examples = examples
        self.split = split
        self.seed = seed
        self.chunk = chunk
        self.epoch = epoch

    def __call__(self, subjects: Sequence[Subject], folder: Path, progress: Progress) -> list[Path]:
        """ess.json, an .npz a run (index, ess, nll) and the violins."""
        records, shares = {}, {}
        written = []
        for number, subject in enumerate(subjects, start=1):
            record, arrays = self._one(subject, progress)
            records[subject.label] = record
            shares[subject.label] = arrays["ess"] / self.samples
            path = folder / f"ess-{number}.npz"
            np.savez(path, **arrays)  # pyright: ignore
            record["file"] = path.name
            written.append(path)
        report = {
            "split": self.split,
            "samples": self.samples,
            "estimator": "(sum w)^2 / sum w^2, divided by the samples",
            "runs": records,
        }
        write_json(folder / "ess.json", report)
        n = {record["n"] for record in records.values()}
        about = f"{self.split} split, {self.samples} samples, {', '.join(map(str, n))} examples"
        about += "; bar: quartiles, line: median, dot: mean"
        marks = dict.fromkeys(mark for one in records.values() for mark in one["labels"])
        heading = Heading("Effective sample size / samples", "; ".join([about, *marks]))
        drawn = violins(shares, "ESS / S", folder / "ess.png", heading)
        return [drawn, folder / "ess.json", *written]

    def summary(self, folder: Path) -> list[str]:
        """Mean and median share of each run."""
        report = json.loads((folder / "ess.json").read_text(encoding="utf-8"))
        words = f"of {report['samples']} samples, {report['split']} split"
        return [
            f"{label}: ESS / samples {one['mean']:.4g} +- {one['se']:.1g}, median "
            f"{one['quantiles']['0.5']:.4g} ({words}, {one['n']} examples)"
            for label, one in report["runs"].items()
        ]

    def _one(self, subject: Subject, progress: Progress) -> tuple[dict[str, Any], dict[str, Any]]:
        """What is said of one run, and its numbers by example."""
        loaded = subject.load(self.epoch)
        split = getattr(loaded.splits, self.split)
        examples = min(self.examples or len(split), len(split))
        with progress(f"ESS of {subject.label}", examples) as advance:
            measured = measure(
                loaded.vae,
                loaded.posterior,
                split,
                self.split,
                seed=self.seed,
                samples=self.samples,
                examples=examples,
                rows=self.chunk,
                progress=advance,
            )
        share = measured.scores.ess / self.samples
        found = torch.quantile(share, share.new_tensor(QUANTILES))
        metric = over_examples(share, "", self.samples)
        record = {
            "mean": metric.value,
            "se": metric.se,
            "quantiles": dict(zip(map(str, QUANTILES), found.tolist(), strict=True)),
            "n": metric.n,
            "epoch": loaded.epoch,
            "labels": loaded.labels,
        }
        arrays = measured.arrays()
        return record, {name: arrays[name].numpy() for name in ("index", "ess", "nll")}
