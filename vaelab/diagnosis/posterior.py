"""True posteriors of a model with two latent dimensions, beside what its encoder says.

Importance Weighted Autoencoders (Burda et al., 2015), 1509.00519, shows the posteriors of models
trained by VAE and IWAE: the tighter the bound, the less a true posterior need look like q(z|x).
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from vaelab.batch import Batch
from vaelab.diagnosis.base import Diagnosis, Loaded, Progress, Subject
from vaelab.diagnosis.grid import OnGrid, on_grid, resolved
from vaelab.distribution import DiagonalGaussian
from vaelab.errors import UserError
from vaelab.files import write_json
from vaelab.reporting.posteriors import Panel, posteriors
from vaelab.reporting.style import Heading
from vaelab.seeding import noise, permutation

DOUBTS = ("cut_off", "coarse")  # examples whose grid cannot be trusted


class Posterior(Diagnosis):
    """p(z|x) on a grid, and KL(q(z|x) || p(z|x)) on it.

    Args:
        examples: of the split, drawn by the seed; the same for every run.
        shown: of them, as columns of the picture.
        split: of the data.
        seed: of the examples and of their binarisation.
        extent: half the side of the first window, around 0; later ones are closer.
        points: cells along a side of a window.
        chunk: points of a grid in one pass of the decoder.
        edge: mass in the outermost cells at which a posterior counts as cut off by its window.
        epoch: whose weights, one of `snapshots`; None: of the selected epoch.
    """

    def __init__(
        self,
        examples: int,
        shown: int,
        split: Literal["train", "valid", "test"],
        seed: int,
        extent: float,
        points: int,
        chunk: int,
        edge: float,
        epoch: int | None,
    ) -> None:
        least = {"examples": 1, "shown": 1, "points": 8, "chunk": 1}
        for name, value in zip(least, (examples, shown, points, chunk), strict=True):
            if value < least[name]:
                raise UserError(f"{name}={value}: must be at least {least[name]}")
        if extent <= 0:
            raise UserError(f"extent={extent}: must be more than 0")
        self.examples = examples
        self.shown = shown
        self.split = split
        self.seed = seed
        self.extent = extent
        self.points = points
        self.chunk = chunk
        self.edge = edge
        self.epoch = epoch

    def __call__(self, subjects: Sequence[Subject], folder: Path, progress: Progress) -> list[Path]:
        """posterior.json, posterior.png, and an .npz of grids for each run."""
        records, panels, written = {}, {}, []
        x, same = torch.empty(0), True
        for number, subject in enumerate(subjects, start=1):
            loaded = subject.load(self.epoch)
            before, (x, index) = x, self._examples(loaded)
            # Runs of other data have other examples: one row of images cannot stand for all.
            same = same and (number == 1 or torch.equal(before.cpu(), x.cpu()))
            q = self._encoded(loaded, subject, x, index)
            with progress(f"Posteriors of {subject.label}", len(x)) as advance:
                found = self._found(loaded, x, q, advance)
            path = folder / f"posterior-{number}.npz"
            np.savez(path, **arrays(found, q, index))  # pyright: ignore
            written.append(path)
            records[subject.label] = self._record(found, loaded, index) | {"file": path.name}
            shown = enumerate(found[: self.shown])
            panels[subject.label] = [panel(one, q, row, self.edge) for row, one in shown]
        report = {"split": self.split, "estimator": "sum over a grid", "runs": records}
        write_json(folder / "posterior.json", report)
        marks = [mark for one in records.values() for mark in one["labels"]]
        about = [f"{self.split} examples", "ellipses: q at 1 and 2 sd", "KL(q || p) in nats"]
        heading = Heading("True posteriors p(z|x)", "; ".join(dict.fromkeys(marks + about)))
        images = x[: self.shown].cpu() if x.ndim == 4 and same else None
        drawn = posteriors(panels, images, folder / "posterior.png", heading)
        return [drawn, folder / "posterior.json", *written]

    def summary(self, folder: Path) -> list[str]:
        """Mean distance of q from the true posterior of each run."""
        report = json.loads((folder / "posterior.json").read_text(encoding="utf-8"))
        lines = []
        for label, one in report["runs"].items():
            error = "" if one["kl_se"] is None else f" +- {one['kl_se']:.2g}"
            doubts = [f"{len(one[name])} {name.replace('_', ' ')}" for name in DOUBTS if one[name]]
            about = ", ".join([f"{one['n']} {report['split']} examples", *doubts])
            lines.append(f"{label}: KL(q || p) {one['kl']:.4g}{error} nats ({about})")
        return lines

    def _examples(self, loaded: Loaded) -> tuple[Tensor, Tensor]:
        """Some x and their rows of the split: a function of the seed, whatever the model."""
        split = getattr(loaded.splits, self.split)
        index = permutation(len(split), self.seed, self.split)[: self.examples]
        index = index.to(loaded.device)
        with noise(loaded.device, self.seed, self.split):
            return split[index], index

    def _encoded(
        self, loaded: Loaded, subject: Subject, x: Tensor, index: Tensor
    ) -> DiagonalGaussian:
        """q(z|x) of all examples.

        Raises:
            UserError: the model has not one level of two dimensions.
        """
        with torch.no_grad(), noise(loaded.device, self.seed, "posterior"):
            q = loaded.posterior(Batch(x, index)).detach()
            if not q.gaussian:
                raise UserError(
                    "posterior draws Gaussian posteriors, and this run's are over training "
                    "examples: vaelab diagnose mapa_posterior"
                )
            dims = [mean.shape[1] for mean in q.means()]
        if dims != [2]:
            raise UserError(
                f"{subject.run}: latent dimensions {', '.join(map(str, dims))}; a posterior is "
                "drawn over two, of one level (architecture.latent_dim=2)"
            )
        return q.first

    @torch.no_grad()
    def _found(
        self, loaded: Loaded, x: Tensor, q: DiagonalGaussian, advance: Callable[[int], None]
    ) -> list[OnGrid]:
        """The grid of each example."""
        decoder = loaded.vae.decoder
        prior = loaded.vae.prior(loaded.vae.encoder).double()
        found = []
        for row in range(len(x)):

            def log_joint(z: Tensor, one: Tensor = x[row : row + 1]) -> Tensor:
                log_px = decoder((z[:, None],)).log_prob(one)[:, 0]  # K points of one example
                return log_px.double() + prior.log_prob(z.double())

            own = DiagonalGaussian(q.mean[row], q.log_var[row])
            found.append(on_grid(log_joint, own, self.extent, self.points, self.chunk))
            advance(1)
        return found

    def _record(self, found: list[OnGrid], loaded: Loaded, index: Tensor) -> dict[str, Any]:
        kl = np.array([one.kl for one in found])
        cut = [int(i) for i, one in zip(index, found, strict=True) if one.edge > self.edge]
        coarse = [int(i) for i, one in zip(index, found, strict=True) if not resolved(one)]
        return {
            "kl": float(kl.mean()),
            "kl_se": float(kl.std(ddof=1) / len(kl) ** 0.5) if len(kl) > 1 else None,
            "log_px": float(np.mean([one.log_px for one in found])),
            "n": len(found),
            "cut_off": cut,
            "coarse": coarse,
            "epoch": loaded.epoch,
            "labels": loaded.labels,
        }


def arrays(found: list[OnGrid], q: DiagonalGaussian, index: Tensor) -> dict[str, Any]:
    """What an .npz holds: by example, grids included."""
    return {
        "index": index.cpu().numpy(),
        "mean": q.mean.cpu().numpy(),
        "log_var": q.log_var.cpu().numpy(),
        "log_density": torch.stack([one.log_density for one in found]).float().cpu().numpy(),
        "low": torch.stack([one.window.low for one in found]).cpu().numpy(),
        "high": torch.stack([one.window.high for one in found]).cpu().numpy(),
        "log_px": np.array([one.log_px for one in found]),
        "kl": np.array([one.kl for one in found]),
        "edge": np.array([one.edge for one in found]),
    }


def panel(found: OnGrid, q: DiagonalGaussian, row: int, edge: float) -> Panel:
    """One picture of the figure; what cannot be trusted is said in it."""
    doubts = ["cut off"] if found.edge > edge else []
    doubts += [] if resolved(found) else ["coarse"]
    (left, bottom), (right, top) = found.window.low.tolist(), found.window.high.tolist()
    return Panel(
        density=found.log_density.exp().cpu().numpy(),
        box=(left, right, bottom, top),
        mean=tuple(q.mean[row].tolist()),
        spread=tuple((0.5 * q.log_var[row]).exp().tolist()),
        text=", ".join([f"KL {found.kl:.2f}", *doubts]),
    )
