"""The settings of train.yaml that belong to no component: their types and their ranges."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Literal

from vaelab.composing.typed import mismatch, settle


@dataclass(frozen=True)
class Settings:
    """Top-level settings; what each means stands beside it in configs/train.yaml."""

    seed: int
    epochs: int
    decoder_passes: int | None
    batch_size: int
    max_examples: int | None
    patience: int | None
    snapshots: list[int] | None
    select: Literal["best", "last"]
    threads: int | None
    precision: Literal["32", "bf16-mixed"]
    committed_rate: float | None
    clip_norm: float | None
    clip_scope: Literal["all", "stepped"]
    micro_batches: int
    compile: bool
    output_dir: str
    data_dir: str | None
    fresh: bool | int


@dataclass(frozen=True)
class Lightning:
    """Arguments of Lightning's Trainer that a `lightning` option sets."""

    accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps"]
    devices: int | str | list[int]
    strategy: str
    num_nodes: int


AT_LEAST = {
    "seed": 0,
    "epochs": 1,
    "decoder_passes": 1,
    "batch_size": 1,
    "max_examples": 1,
    "patience": 1,
    "threads": 1,
    "micro_batches": 1,
    "fresh": 1,
    "lightning.num_nodes": 1,
}


def check(
    schema: type, given: dict[str, object], prefix: str = ""
) -> tuple[dict[str, object], list[str]]:
    """Values settled to a dataclass's types, and one sentence for each that is wrong."""
    settled, faults = {}, []
    for field in fields(schema):
        name = f"{prefix}{field.name}"
        if field.name not in given:
            faults.append(f"{name}: missing")
            continue
        value = given[field.name]
        if name == "precision":
            value = str(value)
            if value == "16-mixed":
                faults.append(
                    "precision=16-mixed: gradients are taken without a loss scaler; use bf16-mixed"
                )
                continue
        settled[field.name] = settle(value, field.type)
        if fault := mismatch(value, field.type):
            faults.append(f"{name}={shown(value)}: {fault}")
        elif too_small(name, value):
            faults.append(f"{name}={value}: must be {AT_LEAST[name]} or more")
        elif name == "committed_rate" and value is not None and value <= 0:  # pyright: ignore
            faults.append(f"{name}={value}: must be more than 0 nats; null for none")
        elif name == "clip_norm" and value is not None and value <= 0:  # pyright: ignore
            faults.append(f"{name}={value}: must be more than 0; null for no clipping")
        elif name == "snapshots" and value is not None and (fault := unordered(value)):
            faults.append(f"snapshots={value}: {fault}")
        elif name == "lightning.devices" and (fault := no_devices(value)):
            faults.append(f"{name}={shown(value)}: {fault}")
        elif name == "output_dir" and not value:
            faults.append("output_dir=: must name a folder")
    if not faults and (fault := no_cores(settled)):
        faults.append(fault)
    parts, batch = settled.get("micro_batches", 1), settled.get("batch_size", 1)
    if not faults and parts > batch:  # pyright: ignore[reportOperatorIssue]
        faults.append(f"micro_batches={parts}: more than batch_size={batch}")
    return settled, faults


def too_small(name: str, value: object) -> bool:
    """Whether a number is below the least that its setting may have."""
    if name not in AT_LEAST or not isinstance(value, int) or isinstance(value, bool):
        return False
    return value < AT_LEAST[name]


def no_devices(value: object) -> str:
    """What is wrong with `lightning.devices`; empty if nothing is."""
    text = str(value).strip("[]")
    numbers = [one.strip() for one in text.split(",") if one.strip()]
    listed = isinstance(value, list) or "," in text
    if text in ("auto", "-1") and not listed:
        return ""
    if not numbers or not all(one.isdigit() for one in numbers):
        return "must be how many, 1 or more, or auto, or a list of GPUs as in [0,2]"
    if not listed and int(text) < 1:
        return "must be 1 or more; auto for all there are"
    return ""


def no_cores(lightning: Mapping[str, object]) -> str:
    """Why a CPU cannot be what `lightning.devices` names; empty if it can."""
    value = lightning.get("devices")
    if lightning.get("accelerator") != "cpu" or value == "auto" or str(value).isdigit():
        return ""
    return f"lightning.devices={shown(value)}: lightning.accelerator=cpu needs how many, as in 2"


def unordered(epochs: object) -> str:
    """What is wrong with epochs whose weights are to be kept; empty if nothing is."""
    assert isinstance(epochs, list)
    rising = all(one < other for one, other in pairwise(epochs))
    fine = bool(epochs) and epochs[0] >= 1 and rising
    return "" if fine else "must be epochs counted from 1, the earlier first; null for none"


def unkept(settled: Mapping[str, object], epoch: object) -> str:
    """Why an epoch's weights cannot be evaluated; empty if they can."""
    epochs, kept = settled.get("epochs"), settled.get("snapshots")
    if not isinstance(epoch, int) or not isinstance(epochs, int):
        return ""
    start = f"evaluation.epoch={epoch}"
    if not isinstance(kept, list) or epoch not in kept:
        there = f"only those of {', '.join(map(str, kept))} are" if isinstance(kept, list) else ""
        there = there or "snapshots=null keeps none"
        return f"{start}: the weights of this epoch are not kept; {there}"
    return f"{start}: training ends after epochs={epochs}" if epoch > epochs else ""


def shown(value: object) -> str:
    """A value as it is typed on the command line."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
