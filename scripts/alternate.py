"""Epochs of vaelab and of a bare loop in turn, in one process."""

import time
from collections.abc import Callable

import pytorch_lightning as pl
import torch


class Alternate(pl.Callback):
    """Times vaelab's epochs, without validation and checkpoints, and runs a bare one after each.

    Args:
        epoch: one epoch of the bare loop.
        device: waited for at both ends.
    """

    def __init__(self, epoch: Callable[[], None], device: torch.device) -> None:
        self.epoch, self.device = epoch, device
        self.ours: list[float] = []
        self.bare: list[float] = []
        self.started = 0.0

    def wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def on_train_epoch_start(self, *_: object) -> None:
        self.wait()
        self.started = time.perf_counter()

    def on_validation_start(self, *_: object) -> None:
        self.wait()
        self.ours.append(time.perf_counter() - self.started)
        started = time.perf_counter()
        with torch.enable_grad():
            self.epoch()
        self.wait()
        self.bare.append(time.perf_counter() - started)
