"""The learning rates in force: each optimiser's own, times the schedule's factor."""

from collections.abc import Mapping

from torch.optim import Optimizer

from vaelab.learning_rate.base import LearningRate


class Rates:
    """Sets what a schedule says of the optimisers of a task.

    Args:
        schedule: the factor by epoch, or by what is spent of a budget.
        optimizers: by group, as made: their rates are the ones that are multiplied, and not those
            that a checkpoint brings later.
    """

    def __init__(self, schedule: LearningRate, optimizers: Mapping[str, Optimizer]) -> None:
        self.schedule = schedule
        self.optimizers = optimizers
        self.own = {
            name: [group["lr"] for group in one.param_groups] for name, one in optimizers.items()
        }

    def set(self, epoch: int, share: float | None = None) -> None:
        """The rates of an epoch, counted from 0.

        Args:
            epoch: that one.
            share: of a budget of decoder passes that is spent; None: there is none.
        """
        if not self.schedule.varies:
            return
        factor = None if share is None else self.schedule.of_budget(share)
        if factor is None:
            factor = self.schedule.factor(epoch)
        for name, optimizer in self.optimizers.items():
            for group, rate in zip(optimizer.param_groups, self.own[name], strict=True):
                group["lr"] = rate * factor

    def row(self) -> dict[str, float]:
        """As `lr/phi` and `lr/theta`, where they change."""
        if not self.schedule.varies:
            return {}
        return {f"lr/{name}": one.param_groups[0]["lr"] for name, one in self.optimizers.items()}
