"""Seconds of our importance-weighted NLL against a loop over one image at a time, as a ratio.

The loop is what the VampPrior authors' code does, written with the same model: for each image,
parts of 100 samples, each of which encodes the image again and, with a VampPrior, all of its
pseudo-inputs. Both estimate the same number from as many samples. The loop is timed on a few
images and ours on more; both are given per image, so that the ratio does not depend on either.

    python scripts/bench_nll.py --threads 2 --samples 500
"""

import argparse
import math
import statistics
import time
from types import SimpleNamespace

import torch
from torch import Tensor

from vaelab.architecture.mlp import Mlp
from vaelab.dataset.base import Split
from vaelab.evaluation.measure import measure
from vaelab.evaluation.progress import silent
from vaelab.likelihood.bernoulli import Bernoulli
from vaelab.model import VAE
from vaelab.prior.base import Prior
from vaelab.prior.standard import Standard
from vaelab.prior.vamp import Vamp

SHAPE, LATENTS, HIDDEN, COMPONENTS, PART = (1, 28, 28), 40, [300, 300], 500, 100


def model(prior: str) -> VAE:
    """Untrained; torch's own initial weights keep the variance of its weights small."""
    parts = Mlp(SHAPE, Bernoulli(None), LATENTS, HIDDEN, "default")
    data = SimpleNamespace(offers=frozenset(), pseudo_inputs=(0.5, 0.02))
    made: Prior = Standard(LATENTS)
    if prior == "vamp":
        made = Vamp(SHAPE, data, COMPONENTS, "noise", None, None, True)  # pyright: ignore
    return VAE(parts.encoder, parts.decoder, made)


@torch.no_grad()
def loop(vae: VAE, x: Tensor, samples: int) -> Tensor:
    """NLL of each image, one after the other."""
    found = []
    for image in x:
        log_w = []
        for drawn in range(0, samples, PART):
            repeated = image.expand(min(PART, samples - drawn), *image.shape)
            terms = vae.terms(repeated, vae.encoder(repeated), 1)
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


def main() -> None:
    """Time both in turn and print one line a prior."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--samples", type=int, default=500)
    parser.add_argument("--images", type=int, default=100, help="that ours is timed on")
    parser.add_argument("--loop-images", type=int, default=5, help="that the loop is timed on")
    parser.add_argument("--rows", type=int, default=2000, help="evaluation.chunk")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    few, samples = arguments.loop_images, arguments.samples
    x = (torch.rand(arguments.images, *SHAPE) < 0.3).float()
    for name in ("standard", "vamp"):
        vae = model(name).eval()
        loop(vae, x[:1], PART)  # warm-up
        ours(vae, x[:2], PART, arguments.rows)
        seconds: dict[str, list[float]] = {"loop": [], "ours": []}
        for _ in range(arguments.repeats):  # in turn, so that a busy machine hits both
            started = time.perf_counter()
            slow = loop(vae, x[:few], samples)
            seconds["loop"].append((time.perf_counter() - started) / few)
            started = time.perf_counter()
            fast = ours(vae, x, samples, arguments.rows)
            seconds["ours"].append((time.perf_counter() - started) / len(x))
        each = {key: statistics.median(times) for key, times in seconds.items()}
        difference = float((fast[:few] - slow).abs().mean())
        print(
            f"{name} ratio={each['ours'] / each['loop']:.2f} "
            f"ours={1e3 * each['ours']:.1f} ms/image loop={1e3 * each['loop']:.1f} ms/image "
            f"samples={samples} threads={arguments.threads} "
            f"mean |difference|={difference:.2f} nats"
        )


if __name__ == "__main__":
    main()
