"""Seconds of our importance-weighted NLL against loops over one image at a time, as ratios.

Both loops run the same model in parts of 100 samples, each of which encodes the image again and,
with a VampPrior, all of its pseudo-inputs: what the VampPrior authors' code does. "authors" also
compares each sample with each component dimension by dimension, as that code does; "matmul" has our
mixture density, so that nothing but caching and larger passes is left. All estimate the same number
from as many samples. The loops are timed on a few images and ours on more; all are given per image.

    python scripts/bench_nll.py --threads 1 --samples 5000 --architecture mlp hvae
"""

import argparse
import itertools
import math
import statistics
import time
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace

import torch
from torch import Tensor

from vaelab.architecture.hvae import Hvae
from vaelab.architecture.mlp import Mlp
from vaelab.dataset.base import Split
from vaelab.distribution import LOG_2PI, GaussianMixture
from vaelab.evaluation.measure import measure
from vaelab.evaluation.progress import silent
from vaelab.likelihood.bernoulli import Bernoulli
from vaelab.model import VAE
from vaelab.prior.base import Prior
from vaelab.prior.standard import Standard
from vaelab.prior.vamp import Vamp
from vaelab.threads import use

SHAPE, LATENTS, HIDDEN, COMPONENTS, PART = (1, 28, 28), 40, [300, 300], 500, 100


def model(architecture: str, prior: str) -> VAE:
    """Untrained; torch's own initial weights keep the variance of its weights small."""
    parts = Mlp(SHAPE, Bernoulli(None), LATENTS, HIDDEN, "default")
    if architecture == "hvae":
        parts = Hvae(SHAPE, Bernoulli(None), (LATENTS, LATENTS), HIDDEN[0], "default")
    data = SimpleNamespace(offers=frozenset(), pseudo_inputs=(0.5, 0.02))
    made: Prior = Standard(LATENTS)
    if prior == "vamp":
        made = Vamp(SHAPE, data, COMPONENTS, "noise", None, None, True)  # pyright: ignore
    return VAE(parts.encoder, parts.decoder, made)


class Broadcast:
    """A mixture's density with every sample, component and dimension in one tensor."""

    def __init__(self, prior: GaussianMixture) -> None:
        self.mean, self.log_var = prior.mean, prior.log_var

    def log_prob(self, z: Tensor) -> Tensor:
        z = z.unsqueeze(-2)
        each = self.log_var + (z - self.mean).square() / self.log_var.exp() + LOG_2PI
        return (-0.5 * each.sum(-1) - math.log(len(self.mean))).logsumexp(-1)


@torch.no_grad()
def loop(vae: VAE, x: Tensor, samples: int, kind: str) -> Tensor:
    """NLL of each image, one after the other."""
    found = []
    for image in x:
        log_w = []
        for drawn in range(0, samples, PART):
            repeated = image.expand(min(PART, samples - drawn), *image.shape)
            prior = vae.prior(vae.encoder)
            if kind == "authors" and isinstance(prior, GaussianMixture):
                prior = Broadcast(prior)
            terms = vae.terms(repeated, vae.encoder(repeated), 1, prior=prior)  # pyright: ignore
            log_w.append(terms.log_w()[0])
        found.append(math.log(samples) - torch.cat(log_w).logsumexp(0))
    return torch.stack(found)


def ours(vae: VAE, x: Tensor, samples: int, rows: int) -> Tensor:
    """NLL of each image as an evaluation finds it, ELBO, KL and ESS included."""
    measured = measure(
        vae,
        lambda batch: vae.encoder(batch.x),
        Split(x),
        "bench",
        seed=1,
        samples=samples,
        examples=len(x),
        rows=rows,
        progress=silent,
    )
    return measured.scores.nll[measured.index.argsort()]


def timed(work: Callable[[], Tensor], images: int) -> tuple[float, Tensor]:
    """Seconds an image, and what was found."""
    started = time.perf_counter()
    found = work()
    return (time.perf_counter() - started) / images, found


def compare(architecture: str, prior: str, given: argparse.Namespace) -> None:
    """Time all in turn, so that a busy machine hits each, and print one line."""
    x = (torch.rand(given.images, *SHAPE) < 0.3).float()
    few, samples = given.loop_images, given.samples
    vae = model(architecture, prior).eval()
    kinds = ["authors", "matmul"] if prior == "vamp" else ["matmul"]
    for kind in kinds:
        loop(vae, x[:1], PART, kind)  # warm-up
    ours(vae, x[:2], PART, given.rows)
    seconds: dict[str, list[float]] = {kind: [] for kind in [*kinds, "ours"]}
    found: dict[str, Tensor] = {}
    for _ in range(given.repeats):
        for kind in kinds:
            spent, found[kind] = timed(partial(loop, vae, x[:few], samples, kind), few)
            seconds[kind].append(spent)
        spent, found["ours"] = timed(partial(ours, vae, x, samples, given.rows), len(x))
        seconds["ours"].append(spent)
    each = {key: statistics.median(times) for key, times in seconds.items()}
    for kind in kinds:
        difference = (found["ours"][:few] - found[kind]).mean()
        print(
            f"{architecture} {prior}: {kind} loop {1e3 * each[kind]:,.0f} ms an image, "
            f"vaelab {1e3 * each['ours']:,.0f}: {each[kind] / each['ours']:.1f} times faster "
            f"(ratio={each['ours'] / each[kind]:.3f}); mean difference {difference:+.3f} nats",
            flush=True,
        )


def main() -> None:
    """Compare every architecture and prior."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--architecture", nargs="+", default=["mlp"], choices=["mlp", "hvae"])
    parser.add_argument("--prior", nargs="+", default=["standard", "vamp"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--images", type=int, default=10, help="that ours is timed on")
    parser.add_argument("--loop-images", type=int, default=2, help="that the loops are timed on")
    parser.add_argument("--rows", type=int, default=2000, help="evaluation.chunk")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    use(given.threads)
    torch.manual_seed(0)
    print(f"torch {torch.__version__}, {given.threads} threads, {given.samples} samples")
    for architecture, prior in itertools.product(given.architecture, given.prior):
        compare(architecture, prior, given)


if __name__ == "__main__":
    main()
