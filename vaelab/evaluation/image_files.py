"""What `vaelab sample` writes of a run on images or vectors."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Integer
from torch import Tensor

from vaelab.dataset.base import Split
from vaelab.errors import UserError
from vaelab.evaluation.arrays import save
from vaelab.evaluation.sample import Samples, decode
from vaelab.model import VAE
from vaelab.posterior import Latents
from vaelab.reporting import clouds, images
from vaelab.reporting.style import Heading


@dataclass(frozen=True)
class ImageFiles:
    """Latents to pictures.

    Attributes:
        vae: in evaluation mode.
        test: on the model's device.
        about: run and epoch.
    """

    vae: VAE
    test: Split
    about: str

    def draws(self, z: Latents, folder: Callable[[], Path]) -> list[Path]:
        """Images as grids, vectors as points beside the test data; other data have no picture."""
        drawn = decode(self.vae, z)
        place = folder()
        path, x = place / "samples.png", self.test.x.cpu()
        heading = Heading(f"{len(drawn.x)} samples from the prior", f"{self.about}, {place.name}")
        files = [_save(place / "samples.npz", drawn)]
        if drawn.x.ndim == 4:
            files.append(images.samples(drawn.mean, drawn.x, path, heading))
        elif drawn.x.ndim == 2 and x.is_floating_point():
            files.append(clouds.vectors(x[: len(drawn.x)], drawn.x, path, heading))
        return files

    def reconstructions(
        self,
        index: Integer[Tensor, "N"],
        x: list[Tensor],
        z: Latents,
        which: str,
        folder: Callable[[], Path],
    ) -> list[Path]:
        """Pairs of a test image, x in parts, and what came back; `which` says what z is."""
        again = decode(self.vae, z)
        place = folder()
        heading = Heading("Reconstructions of test images", f"{self.about}; {which}")
        path = place / "reconstructions.png"
        files = [_save(place / "reconstructions.npz", again, index=index)]
        originals = torch.cat(x).cpu()
        return [*files, images.reconstructions(originals, _shown(again), path, heading)]

    def ends(self, start: str, end: str) -> Split:
        """Two test images by their numbers.

        Raises:
            UserError: there is no such image.
        """
        for name, number in (("from", start), ("to", end)):
            if not number.isdecimal() or int(number) >= len(self.test):
                raise UserError(
                    f"{name}={number}: must be the number of a test image, 0 to "
                    f"{len(self.test) - 1}"
                )
        return self.test.take(torch.tensor([int(start), int(end)]))

    def interpolation(
        self, ends: tuple[str, str], x: Tensor, z: Latents, folder: Callable[[], Path]
    ) -> list[Path]:
        """The two test images beside what each step decodes to, row by row."""
        walk = decode(self.vae, z)
        place = folder()
        shown = images.tile(_shown(walk), images.columns_for(len(walk.x)))
        panels = {
            f"test {' and '.join(ends)}": images.tile(x.cpu(), 1),
            "between, row by row": shown,
        }
        about = f"{self.about}; on the line between the means of q(z|x)"
        heading = Heading(f"From test image {ends[0]} to {ends[1]}", about)
        picture = images.image_grid(panels, place / "interpolation.png", heading)
        return [_save(place / "interpolation.npz", walk), picture]


def _shown(drawn: Samples) -> Tensor:
    """The mean of p(x|z), or a draw where it has none."""
    return drawn.x if drawn.mean is None else drawn.mean


def _save(path: Path, drawn: Samples, **more: Tensor) -> Path:
    mean = {} if drawn.mean is None else {"mean": drawn.mean}
    return save(path, drawn.z, x=drawn.x, **mean, **more)
