"""All figures of a run that apply to its data and model."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor

from vaelab.batch import Batch
from vaelab.dataset.base import Split, Splits
from vaelab.dataset.tokens import TokenSplit
from vaelab.evaluation.measure import Measured, in_eval_mode, measure
from vaelab.evaluation.progress import silent
from vaelab.evaluation.sample import ancestral, decode, from_components
from vaelab.evaluation.sentences import Decoding, texts, write
from vaelab.model import VAE
from vaelab.posterior import Posterior
from vaelab.reporting import clouds, images, text
from vaelab.reporting.curves import Row, training_curves
from vaelab.reporting.style import Heading
from vaelab.seeding import noise, permutation

EXAMPLES, SAMPLES, ROWS = 500, 50, 2000
SHOWN, PAIRS, POINTS = 64, 36, 1000
SLOW = 16  # examples and samples of likelihoods where the decoder is autoregressive
SENTENCES = 36


def draw_figures(
    vae: VAE,
    posterior: Callable[[Batch], Posterior],
    splits: Splits,
    rows: Sequence[Row],
    folder: Path,
    seed: int,
    *,
    epoch: int | None = None,
    label: str = "",
) -> list[Path]:
    """Draw what applies, as a function of the seed; returns the files.

    Images: samples, reconstructions, pseudo-inputs and what their components generate. Sentences:
    files of samples and reconstructions. Vectors: data beside samples. All: training curves,
    log-likelihoods of test examples, and two dimensions of their posterior means. Nothing that
    needs a latent where there is none.

    Args:
        vae: the model.
        posterior: where q(z|x) comes from.
        splits: the data; test examples are shown.
        rows: of metrics.csv.
        folder: where the files go.
        seed: of examples and noise.
        epoch: the epoch the weights are from, for titles.
        label: the run's name for titles; empty: from the folder.
    """
    name = label or _name(folder)
    about = f"{name}, epoch {epoch}" if epoch is not None else name
    split = splits.test
    device = next(vae.parameters(), split.x).device
    split, exact = split.to(device), vae.decoder.exact
    samples, examples = _sizes(vae)
    measured = measure(
        vae,
        posterior,
        split,
        "test",
        seed=seed,
        samples=samples,
        examples=examples,
        rows=ROWS,
        progress=silent,
    )
    curves = training_curves(rows, folder / "curves.png", Heading("Training", name), epoch, exact)
    drawn = [] if curves is None else [curves]
    with in_eval_mode(vae), torch.no_grad(), noise(device, seed, "level"):
        one = torch.zeros(1, dtype=torch.int64, device=device)
        level = posterior(Batch(split[one], one)).first_level
    drawn += _numbers(vae, measured, level, folder, about, seed)
    with in_eval_mode(vae), torch.no_grad(), noise(device, seed, "figures"):
        levels = len(measured.variances)
        if isinstance(split, TokenSplit):
            drawn += _sentences(vae, posterior, split, levels, folder, about, seed)
        elif split.x.ndim == 4:
            drawn += _images(vae, posterior, split, levels, folder, about, seed)
        elif split.x.ndim == 2 and split.x.is_floating_point():
            index = permutation(len(split), seed, "figures")[:POINTS].to(device)
            x = decode(vae, ancestral(vae, levels, len(index))).x
            heading = Heading("Test examples and samples from the prior", about)
            drawn.append(clouds.vectors(split[index], x, folder / "samples.png", heading))
    return drawn


def _sizes(vae: VAE) -> tuple[int, int]:
    """Samples of each example and examples that likelihoods are shown of, at about equal cost."""
    if vae.decoder.exact:
        return 1, SLOW * SLOW
    return (SLOW, SLOW) if vae.decoder.autoregressive else (SAMPLES, EXAMPLES)


def _numbers(
    vae: VAE, measured: Measured, level: int, folder: Path, about: str, seed: int
) -> list[Path]:
    """Log-likelihoods by example, and posterior means of the level that q draws first."""
    n = len(measured.index)
    samples, _ = _sizes(vae)
    how = "exact" if vae.decoder.exact else f"importance weighted with {samples} samples"
    estimator = f"{n} test examples, {how}"
    heading = Heading("Log-likelihood by example", f"{about}; {estimator}")
    drawn = [clouds.log_likelihoods(-measured.scores.nll, folder / "log_likelihood.png", heading)]
    if measured.first.mean.shape[1] > 1:
        with in_eval_mode(vae), torch.no_grad(), noise(measured.index.device, seed, "prior"):
            prior = ancestral(vae, len(measured.variances), POINTS)[level][0]
        which = "top" if level == 0 else "lower"
        about = f"{about}; {n} test examples"
        heading = Heading(
            f"Latents of the {which} level in their two most active dimensions", about
        )
        drawn.append(clouds.latents(measured.first.mean, prior, folder / "latents.png", heading))
    return drawn


def _images(
    vae: VAE,
    posterior: Callable[[Batch], Posterior],
    split: Split,
    levels: int,
    folder: Path,
    about: str,
    seed: int,
) -> list[Path]:
    """Samples, reconstructions and, where the prior has them, pseudo-inputs."""
    draws = decode(vae, ancestral(vae, levels, SHOWN))
    what = "Samples from the model" if vae.decoder.exact else "Samples from the prior"
    drawn = [images.samples(draws.mean, draws.x, folder / "samples.png", Heading(what, about))]
    if vae.decoder.exact:
        return drawn

    index = permutation(len(split), seed, "figures")[:PAIRS]
    batch = Batch(split[index.to(split.x.device)], index.to(split.x.device))
    again = decode(vae, posterior(batch).rsample(1))
    shown: Tensor = again.x if again.mean is None else again.mean
    heading = Heading("Reconstructions", f"{about}; test examples, one sample of z each")
    path = folder / "reconstructions.png"
    drawn.append(images.reconstructions(batch.x.cpu(), shown, path, heading))

    u = vae.prior.pseudo_inputs()
    if u is not None:
        heading = Heading("Pseudo-inputs", f"{about}; {min(len(u), SHOWN)} of {len(u)}")
        path = folder / "pseudo_inputs.png"
        drawn.append(images.pseudo_inputs(u[:SHOWN].cpu(), path, heading))
        drawn.append(_components(vae, u, levels, folder / "components.png", about, seed))
    return drawn


def _sentences(
    vae: VAE,
    posterior: Callable[[Batch], Posterior],
    split: TokenSplit,
    levels: int,
    folder: Path,
    about: str,
    seed: int,
) -> list[Path]:
    """Samples and reconstructions, greedy; without a latent greedy sentences would be all one."""
    exact, vocabulary = vae.decoder.exact, split.vocabulary
    decoding = Decoding("sampled" if exact else "greedy")
    samples = write(vae, ancestral(vae, levels, SENTENCES), decoding, vocabulary)
    source = "drawn from the model" if exact else f"z from the prior, {decoding}"
    above = [f"{SENTENCES} sentences, {source}", about]
    drawn = [text.lines(texts(samples, vocabulary), folder / "samples.txt", above)]
    if exact:
        return drawn

    index = permutation(len(split), seed, "figures")[:SENTENCES]
    batch = Batch(split[index.to(split.x.device)], index.to(split.x.device))
    again = write(vae, posterior(batch).rsample(1), decoding, vocabulary)
    above = [f"{len(index)} test sentences, z sampled from q(z|x), {decoding}", about]
    names = [f"test {row}" for row in index.tolist()]
    path = folder / "reconstructions.txt"
    originals = texts(batch.x, vocabulary)
    return [*drawn, text.pairs(names, originals, texts(again, vocabulary), path, above)]


def _components(vae: VAE, u: Tensor, levels: int, path: Path, about: str, seed: int) -> Path:
    """A row for each of some pseudo-inputs: itself, then samples of its component."""
    columns = 9
    chosen = permutation(len(u), seed, "components")[:8]
    draws = decode(vae, from_components(vae, levels, chosen.repeat_interleave(columns)))
    shown = (draws.x if draws.mean is None else draws.mean).unflatten(0, (len(chosen), columns))
    heading = Heading(
        "Generated from components of the prior", f"{about}; {len(chosen)} of {len(u)}"
    )
    return images.components(u[chosen.to(u.device)].detach().cpu(), shown, path, heading)


def _name(folder: Path) -> str:
    """A run's choices and seed, from .../<choices>/<hash>/seed<k>/figures."""
    parts = folder.resolve().parts[-4:-1]
    return " ".join(part for part in parts if part != "/")
