"""TensorBoard files in the run's folder."""

from pathlib import Path

from pytorch_lightning.loggers import TensorBoardLogger

from vaelab.logger.base import Logged


class TensorBoard(TensorBoardLogger):
    """Lightning's logger with figures.

    Args:
        logged: the run.
        name: folder inside the run's.
        version: folder below it; empty: none.
    """

    def __init__(self, logged: Logged, name: str, version: str) -> None:
        super().__init__(save_dir=str(logged.folder), name=name, version=version)

    def add_files(self, figures: list[Path], checkpoint: Path | None) -> None:
        """Images and texts; a model has no place here."""
        from matplotlib.image import imread

        for one in figures:
            tag = f"figures/{one.stem}"
            if one.suffix == ".png":
                self.experiment.add_image(tag, imread(one)[..., :3], dataformats="HWC")
            else:
                self.experiment.add_text(tag, f"<pre>{one.read_text(encoding='utf-8')}</pre>")

    def close(self, status: str) -> None:
        """Close the file."""
        self.experiment.close()
