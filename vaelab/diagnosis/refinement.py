"""The ELBO along the steps that refine q(z|x): how far the encoder was from the best it could do.

Semi-Amortized Variational Autoencoders (Kim et al., 2018), 1802.02550. Of a run that was trained
without refinement this is its amortisation gap, step by step.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from vaelab.batch import Batch
from vaelab.diagnosis.base import Diagnosis, Loaded, Progress, Subject
from vaelab.errors import UserError
from vaelab.evaluation.measure import ENCODED
from vaelab.evaluation.metric import over_examples
from vaelab.evaluation.score import score
from vaelab.files import write_json
from vaelab.posterior import GaussianPosterior
from vaelab.refine.refinement import RefinedPosterior, refined_apart
from vaelab.refine.settings import Settings
from vaelab.reporting.refinement import refinement_curves
from vaelab.reporting.style import Heading
from vaelab.seeding import noise, permutation

UNTRAINED = Settings(40, 1 / 32, 0.5, None, "none", "per_example", 1.0)
CURVE = 20  # steps that are looked at, about


class Refinement(Diagnosis):
    """ELBO of lambda_k against k, from the same examples and samples for every k.

    Args:
        steps: K; None: of the run's own refinement, or 40.
        step_size: alpha; None: of the run's own, or 1/32.
        momentum: gamma; None: of the run's own, or 0.5.
        samples: drawn from q at each k.
        examples: how many of the split, drawn by the seed; None: all.
        split: of the data.
        seed: of the examples, of their binarisation and of all noise.
        epoch: whose weights, one of `snapshots`; None: of the selected epoch.
    """

    def __init__(
        self,
        steps: int | None,
        step_size: float | None,
        momentum: float | None,
        samples: int,
        examples: int | None,
        split: Literal["train", "valid", "test"],
        seed: int,
        epoch: int | None,
    ) -> None:
        for name, value, least in (("samples", samples, 1), ("examples", examples, 2)):
            if value is not None and value < least:
                raise UserError(f"{name}={value}: must be at least {least}")
        asked = {"steps": steps, "step_size": step_size, "momentum": momentum}
        self.asked = {name: value for name, value in asked.items() if value is not None}
        replace(UNTRAINED, **self.asked)  # refuses numbers that mean nothing
        self.samples = samples
        self.examples = examples
        self.split = split
        self.seed = seed
        self.epoch = epoch

    def __call__(self, subjects: Sequence[Subject], folder: Path, progress: Progress) -> list[Path]:
        """refinement.json and the curves."""
        runs = {subject.label: self._one(subject, progress) for subject in subjects}
        report = {
            "split": self.split,
            "samples": self.samples,
            "estimator": f"ELBO at beta = 1, mean of {self.samples} samples at each step",
            "runs": runs,
        }
        write_json(folder / "refinement.json", report)
        n = sorted({one["n"] for one in runs.values()})
        about = f"{self.split} split, {self.samples} samples, {', '.join(map(str, n))} examples"
        marks = dict.fromkeys(mark for one in runs.values() for mark in one["labels"])
        heading = Heading("ELBO along the refinement of q(z|x)", "; ".join([about, *marks]))
        drawn = refinement_curves(runs, folder / "refinement.png", heading)
        return [drawn, folder / "refinement.json"]

    def summary(self, folder: Path) -> list[str]:
        """First and last ELBO of each run, and the gap."""
        report = json.loads((folder / "refinement.json").read_text(encoding="utf-8"))
        return [
            f"{label}: ELBO {one['elbo'][0]:.2f} to {one['elbo'][-1]:.2f} in {one['step'][-1]} "
            f"steps, gap {one['gap']:.3f} +- {one['se']:.1g} nats ({report['samples']} samples, "
            f"{report['split']} split, {one['n']} examples)"
            for label, one in report["runs"].items()
        ]

    def _one(self, subject: Subject, progress: Progress) -> dict[str, Any]:
        """What is said of one run."""
        loaded = subject.load(self.epoch)
        split = getattr(loaded.splits, self.split)
        index = permutation(len(split), self.seed, self.split)[: self.examples]
        predicted = split.predicted(index)
        if predicted is not None:
            index = index[predicted.argsort(stable=True)]
        curves: list[Tensor] = []
        looked: list[int] = []
        with torch.no_grad(), noise(loaded.device, self.seed, "refinement"):
            with progress(f"refining {subject.label}", len(index)) as advance:
                for rows in index.split(ENCODED):
                    rows = rows.to(loaded.device)
                    x = split[rows]
                    q = self._refined(loaded, Batch(x, rows))
                    looked = steps_to_look_at(q.settings.steps)
                    curves.append(self._curve(loaded, x, q, looked))
                    advance(len(rows))
        elbo = torch.cat(curves, 1)  # [looked, N]
        gap = over_examples(elbo[-1] - elbo[0], "", self.samples)
        return {
            "step": looked,
            "elbo": elbo.mean(1).tolist(),
            "gap": gap.value,
            "se": gap.se,
            "n": elbo.shape[1],
            "epoch": loaded.epoch,
            "labels": loaded.labels,
        }

    def _refined(self, loaded: Loaded, batch: Batch) -> RefinedPosterior:
        """From where the run's own posterior starts; the run's own where nothing is asked for."""
        q = loaded.posterior(batch)
        if len(q.means()) > 1:
            raise UserError("refinement is of models with one latent level; this one has more")
        if not q.gaussian:
            raise UserError(
                "refinement starts from Gaussian posteriors, and this run's are over training "
                "examples; give it a run of another trainer"
            )
        settings, start = UNTRAINED, GaussianPosterior(q.first.mean, q.first.log_var)
        if isinstance(q, RefinedPosterior):
            if not self.asked:
                return q
            settings, start = q.settings, q.start
        settings = replace(settings, **self.asked)
        prior = loaded.vae.prior(loaded.vae.encoder)
        return refined_apart(
            settings, loaded.vae, batch.x, start, prior, loaded.config["batch_size"]
        )

    def _curve(self, loaded: Loaded, x: Tensor, q: RefinedPosterior, looked: list[int]) -> Tensor:
        """ELBO of each example at each step that is looked at, [looked, B]; the same noise."""
        prior = loaded.vae.prior(loaded.vae.encoder).double()
        found = []
        for step in looked:
            with noise(x.device, self.seed, "curve"):
                posterior = GaussianPosterior(*q.track.path[step]) if step else q.start
                scores = score(loaded.vae, x, posterior, self.samples, 2000, prior)
            found.append(scores.elbo)
        return torch.stack(found)


def steps_to_look_at(steps: int) -> list[int]:
    """0, 1, 2, ... while they are few, then at wider distances; the last always."""
    wide = max(1, steps // CURVE)
    return sorted({*range(min(steps, 4)), *range(0, steps, wide), steps})
