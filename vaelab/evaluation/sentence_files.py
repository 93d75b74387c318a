"""What `vaelab sample` writes of a run on sentences."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jaxtyping import Integer
from torch import Tensor

from vaelab.dataset.base import Split
from vaelab.dataset.tokens import TokenSplit
from vaelab.evaluation.arrays import save
from vaelab.evaluation.sentences import Decoding, read, texts, unknown, write
from vaelab.model import VAE
from vaelab.posterior import Latents
from vaelab.reporting import text


@dataclass(frozen=True)
class SentenceFiles:
    """Latents to text files, a sentence each.

    Attributes:
        vae: in evaluation mode.
        test: on the model's device.
        decoding: how sentences are chosen.
        about: run and epoch.
        lower: the data's words are in lower case.
    """

    vae: VAE
    test: TokenSplit
    decoding: Decoding
    about: str
    lower: bool

    def draws(self, z: Latents, folder: Callable[[], Path]) -> list[Path]:
        """samples.txt, nothing but sentences, so that other programs can read it."""
        tokens = write(self.vae, z, self.decoding, self.test.vocabulary)
        place = folder()
        path = text.lines(self.texts(tokens), place / "samples.txt")
        return [save(place / "samples.npz", z, tokens=tokens), path]

    def reconstructions(
        self,
        index: Integer[Tensor, "N"],
        x: list[Tensor],
        z: Latents,
        which: str,
        folder: Callable[[], Path],
    ) -> list[Path]:
        """Pairs of a test sentence, x in parts, and what came back; `which` says what z is."""
        tokens = write(self.vae, z, self.decoding, self.test.vocabulary)
        place = folder()
        which += "; Lagging Inference Networks (1901.05534) show samples, not means"
        about = [f"{len(index)} test sentences; {self.about}", which, str(self.decoding)]
        names = [f"test {row}" for row in index.tolist()]
        originals = [one for part in x for one in self.texts(part)]
        path = place / "reconstructions.txt"
        text.pairs(names, originals, self.texts(tokens), path, about)
        return [save(place / "reconstructions.npz", z, index=index, tokens=tokens), path]

    def ends(self, start: str, end: str) -> Split:
        """Two sentences of the user's."""
        return read((start, end), self.test.vocabulary, self.lower).to(self.test.x.device)

    def interpolation(
        self, ends: tuple[str, str], x: Tensor, z: Latents, folder: Callable[[], Path]
    ) -> list[Path]:
        """A sentence for each step, below the two that were given, x as the model sees them."""
        tokens = write(self.vae, z, self.decoding, self.test.vocabulary)
        place = folder()
        start, end = self.texts(x)
        about = [self.about, f"from  {start}", f"to    {end}"]
        if words := unknown(ends, self.test.vocabulary, self.lower):
            about.append(f"words that the model does not know, read as <unk>: {' '.join(words)}")
        about.append(f"z: on the line between the means of q(z|x); {self.decoding}")
        path = text.walk(self.texts(tokens), place / "interpolation.txt", about)
        return [save(place / "interpolation.npz", z, tokens=tokens), path]

    def texts(self, tokens: Integer[Tensor, "N T"]) -> list[str]:
        """Their words."""
        return texts(tokens, self.test.vocabulary)
