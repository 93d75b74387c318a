"""Where training is, what it has cost, and how long its steps take."""

from dataclasses import dataclass, field


@dataclass
class Progress:
    """Where training is and what it has cost; plain numbers, saved with every checkpoint."""

    epoch: int = 0
    step: int = 0
    updates: int = 0
    examples: int = 0  # seen in the present epoch by this process
    seconds: float = 0.0  # spent in updates
    wall: float = 0.0  # since training began, validation and checkpoints included
    encoder_updates: int = 0
    decoder_updates: int = 0
    encoder_passes: int = 0
    decoder_passes: int = 0
    spent: int = 0  # decoder passes of all processes when the last epoch ended


@dataclass
class Clock:
    """Seconds each descent took, for progress and the warning about a busy machine."""

    marks: list[float] = field(default_factory=list)
    first: float | None = None

    def add(self, seconds: float) -> None:
        """One descent more; the first ones include warm-up, so their median is what counts."""
        self.marks.append(seconds)
        if self.first is None and len(self.marks) >= 30:
            self.first = sorted(self.marks)[len(self.marks) // 2]
        if len(self.marks) > 60:
            del self.marks[:30]

    def slowdown(self) -> float:
        """How many times slower the last 30 descents were than the first ones (median)."""
        if self.first is None or len(self.marks) < 30:
            return 1.0
        return sorted(self.marks[-30:])[15] / self.first
