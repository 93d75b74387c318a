"""Nothing is recorded beyond every run's metrics."""

from torch import Tensor

from vaelab.watch.base import Watch, Watched


class Nothing(Watch):
    """Never looks."""

    name = "none"

    def record(self, watched: Watched) -> dict[str, Tensor]:
        """Nothing."""
        return {}
