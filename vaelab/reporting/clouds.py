"""Pictures of points and of numbers by example: latents, vectors, log-likelihoods."""

import math
from pathlib import Path

from jaxtyping import Float
from matplotlib.axes import Axes
from torch import Tensor

from vaelab.reporting.style import BLUE, FAINT, INK, ORANGE, Heading, figure, plain


def log_likelihoods(values: Float[Tensor, "N"], path: Path, heading: Heading) -> Path:
    """Histogram over examples, nats, with its mean."""
    values = values.double().cpu()
    mean, error = float(values.mean()), float(values.std()) / math.sqrt(len(values))
    with figure(path, (6.0, 4.0), heading) as drawn:
        axes = plain(drawn.subplots())
        axes.hist(values.numpy(), bins=max(10, min(50, len(values) // 12)), color=BLUE, alpha=0.85)
        axes.axvline(mean, color=INK, linewidth=1.0)
        axes.set_title(f"mean {mean:.2f} ± {error:.2f} nats")
        axes.set_xlabel("log p(x) (nats)")
        axes.set_ylabel("examples")
    return path


def latents(
    means: Float[Tensor, "N D"], prior: Float[Tensor, "M D"], path: Path, heading: Heading
) -> Path:
    """Posterior means over draws from the prior, in the two dimensions where means vary most."""
    order = means.var(0).argsort(descending=True)[:2].tolist()
    first, second = (order * 2)[:2]
    with figure(path, (5.2, 5.4), heading) as drawn:
        axes = plain(drawn.subplots())
        _cloud(axes, prior[:, [first, second]], "prior draws", FAINT, 7)
        _cloud(axes, means[:, [first, second]], "posterior means", BLUE, 10)
        axes.set_xlabel(f"z[{first}]")
        axes.set_ylabel(f"z[{second}]")
        axes.legend(loc="upper right", markerscale=1.8)
    return path


def vectors(
    x: Float[Tensor, "N D"], samples: Float[Tensor, "M D"], path: Path, heading: Heading
) -> Path:
    """Data and samples on the same axes, in the first two dimensions; of one, histograms."""
    with figure(path, (8.6, 4.7), heading) as drawn:
        left, right = drawn.subplots(1, 2, sharex=True, sharey=True)
        for axes, values, name, colour in (
            (left, x, "test examples", BLUE),
            (right, samples, "samples", ORANGE),
        ):
            plain(axes).set_title(f"{len(values)} {name}")
            axes.set_xlabel("x[0]")
            if x.shape[1] == 1:
                axes.hist(values[:, 0].cpu().numpy(), bins=40, color=colour, density=True)
                continue
            _cloud(axes, values[:, :2], name, colour, 8)
        left.set_ylabel("density" if x.shape[1] == 1 else "x[1]")
    return path


def _cloud(axes: Axes, points: Tensor, label: str, colour: str, size: float) -> None:
    x, y = points.detach().cpu().T.numpy()
    axes.scatter(x, y, s=size, color=colour, alpha=0.55, linewidths=0, label=label)
