"""`vaelab sample`: draws from a run's model, test examples and what comes back, ways between two.

Files go into a new folder in the run's own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from vaelab.assemble import load_task
from vaelab.batch import Batch
from vaelab.build import device
from vaelab.dataset.tokens import TokenSplit
from vaelab.errors import UserError
from vaelab.evaluation.image_files import ImageFiles
from vaelab.evaluation.measure import ENCODED, in_eval_mode
from vaelab.evaluation.sample import ancestral, between, of_posterior
from vaelab.evaluation.sentence_files import SentenceFiles
from vaelab.evaluation.sentences import Decoding, How
from vaelab.model import VAE
from vaelab.runs.evaluated import weights
from vaelab.runs.run import Run
from vaelab.seeding import noise, permutation

WHICH = {
    "sample": "z: a sample of q(z|x) (z=mean: its mean)",
    "mean": "z: the mean of q(z|x)",
}


@dataclass(frozen=True)
class Asked:
    """What is wanted: test examples and what comes back, a walk, or else draws.

    Attributes:
        count: draws from the prior.
        component: of a mixture prior, that they come from; None: all.
        seed: of everything that is drawn.
        decode: how sentences are chosen; None: draws are drawn, all else is decoded greedily.
        width: of a beam.
        temperature: of drawn sentences.
        reconstruct: number of test examples; None: none.
        which: latent of each of them.
        ends: two sentences, or two test images by number, between whose means to walk; None: none.
        steps: of the walk, both ends included.
    """

    count: int = 64
    component: int | None = None
    seed: int = 0
    decode: How | None = None
    width: int = 5
    temperature: float = 1.0
    reconstruct: int | None = None
    which: Literal["sample", "mean"] = "sample"
    ends: tuple[str, str] | None = None
    steps: int = 7

    @property
    def encodes(self) -> str:
        """What of it starts from data, as it was typed; empty where nothing does."""
        if self.reconstruct is not None:
            return f"reconstruct={self.reconstruct}"
        return "from= and to=" if self.ends else ""

    @property
    def decoding(self) -> Decoding:
        """How sentences are chosen."""
        how: How = self.decode or ("greedy" if self.encodes else "sampled")
        return Decoding(how, self.width, self.temperature)


def sample_run(run: Run, config: Mapping[str, Any], asked: Asked) -> list[Path]:
    """Write what is asked for into a new folder in samples/ of the run's; returns the files.

    Draws are samples.npz (z_0, ..., and tokens, or x and mean) and samples.txt or samples.png in
    seed<k>[-component<c>]; the others are called reconstructions and interpolation.

    Raises:
        UserError: the model or its data cannot do this; no folder is made.
    """
    if asked.count < 1:
        raise UserError(f"count={asked.count}: must be at least 1")
    task, parts, epoch = load_task(config, weights(run, config, None))
    place = device(config)
    task = task.to(place)
    vae, test, about = task.vae, task.splits.test.to(place), f"{run}, epoch {epoch}"
    if isinstance(test, TokenSplit):
        lower = bool(config["dataset"].get("lower", False))
        files = SentenceFiles(vae, test, asked.decoding, about, lower)
    else:
        files = ImageFiles(vae, test, about)
    check(vae, files, asked)

    def folder(name: str) -> Path:
        return beside(run.folder / "samples" / name)

    def posterior(batch: Batch) -> Any:
        return task.inference.posterior(task, batch)

    with in_eval_mode(vae), torch.no_grad(), noise(place, asked.seed, "sample"):
        if asked.reconstruct is not None:
            return reconstruct(files, posterior, asked, folder)
        if asked.ends is not None:
            return walk(files, posterior, asked.ends, asked.steps, folder)
        z = ancestral(vae, len(parts.architecture.latent_dims), asked.count, asked.component)
        name = f"seed{asked.seed}"
        name += "" if asked.component is None else f"-component{asked.component}"
        return files.draws(z, lambda: folder(name))


Files = SentenceFiles | ImageFiles
Folder = Callable[[str], Path]
Encode = Callable[[Batch], Any]


def check(vae: VAE, files: Files, asked: Asked) -> None:
    """Refuse what this model or its data have no answer to.

    Raises:
        UserError: one line.
    """
    if asked.decode is not None and isinstance(files, ImageFiles):
        raise UserError(f"decode={asked.decode}: this run has no sentences to decode; leave it out")
    if not asked.encodes:
        return
    if vae.decoder.exact:
        raise UserError(f"{asked.encodes}: this model has no latent to encode into; leave it out")
    if isinstance(files, ImageFiles) and files.test.x.ndim != 4:
        raise UserError(f"{asked.encodes}: only sentences and images can be shown; leave it out")
    if (asked.reconstruct or 0) > len(files.test):
        raise UserError(f"{asked.encodes}: there are {len(files.test):,} test examples")


def reconstruct(files: Files, posterior: Encode, asked: Asked, folder: Folder) -> list[Path]:
    """Test examples that the seed chooses, encoded and decoded."""
    test = files.test
    index = permutation(len(test), asked.seed, "reconstruct")[: asked.reconstruct]
    rows = index.to(test.x.device).split(ENCODED)
    x = [test[some] for some in rows]
    q = [posterior(Batch(some, where)) for some, where in zip(x, rows, strict=True)]
    parts = [of_posterior(one, asked.which) for one in q]
    z = tuple(torch.cat(level, dim=1) for level in zip(*parts, strict=True))
    name = f"reconstructions-seed{asked.seed}"
    return files.reconstructions(index, x, z, WHICH[asked.which], lambda: folder(name))


def walk(
    files: Files, posterior: Encode, ends: tuple[str, str], steps: int, folder: Folder
) -> list[Path]:
    """In a straight line from the posterior mean of one example to that of another."""
    two = torch.arange(2, device=files.test.x.device)
    x = files.ends(*ends)[two]
    z = between(of_posterior(posterior(Batch(x, two)), "mean"), steps)
    return files.interpolation(ends, x, z, lambda: folder("interpolation"))


def beside(folder: Path) -> Path:
    """Make this folder, or the first of folder-2, folder-3, ... that does not exist."""
    number, made = 1, folder
    while True:
        try:
            made.mkdir(parents=True)
        except FileExistsError:
            number += 1
            made = folder.with_name(f"{folder.name}-{number}")
        else:
            return made
