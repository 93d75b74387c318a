"""What makes two runs the same: a hash of every setting that can change the result."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Where and how a run is done, not what it is. The seed is a folder of its own below the hash.
LEFT_OUT = frozenset(
    "seed threads lightning logger output_dir data_dir fresh evaluation choices hydra".split()
)
# Settings younger than some runs: at these values they leave the hash as it was without them.
YOUNGER: dict[str, Any] = {
    "max_examples": None,
    "snapshots": None,
    "learning_rate": {"_target_": "vaelab.learning_rate.constant.Constant"},
    "select": "best",
    "watch": {"_target_": "vaelab.watch.none.Nothing"},
    "committed_rate": None,
    "decoder_passes": None,
}
# The same of a component's own settings, by its group or by the class it names.
YOUNGER_OF: dict[str, dict[str, Any]] = {
    "dataset": {"shrink": 1},
    "vaelab.dataset.digits.Digits": {"binarise": "dynamic"},
    "architecture": {"output_bias": False},
    "bound": {"free_bits_of": "dimension"},
    "trainer": {"start": 0.0, "mixture": "batch"},
}
NAMED = ("dataset", "architecture", "prior", "bound", "trainer")


def config_hash(config: Mapping[str, Any]) -> str:
    """sha256 of the settings that count; 2 and 2.0, and "32" and 32, are one value."""
    kept = {
        key: as_older(key, value)
        for key, value in config.items()
        if key not in LEFT_OUT and not (key in YOUNGER and value == YOUNGER[key])
    }
    kept["precision"] = str(kept.get("precision"))
    text = json.dumps(canonical(kept), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(value: Any) -> Any:
    """The same value for every way of writing it."""
    if isinstance(value, Mapping):
        return {str(key): canonical(one) for key, one in value.items() if key != "data_dir"}
    if isinstance(value, list | tuple):
        return [canonical(one) for one in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def folder(config: Mapping[str, Any]) -> Path:
    """<output_dir>/train/<choices>/<first eight of the hash>/seed<k>, or seed<k>-<fresh>."""
    choices = config.get("choices", {})
    names = "-".join(re.sub(r"[^\w.]+", "_", str(choices.get(group, "own"))) for group in NAMED)
    root = Path(str(config["output_dir"])) / "train"
    # true: the first, until one is found (vaelab/runs/fresh.py)
    number = int(config.get("fresh") or 0)
    again = f"-{number}" if number > 1 else ""
    return root / names / config_hash(config)[:8] / f"seed{config['seed']}{again}"


def as_older(group: str, node: Any) -> Any:
    """A component's settings without younger ones that are neutral."""
    if not isinstance(node, Mapping):
        return node
    younger = YOUNGER_OF.get(group, {}) | YOUNGER_OF.get(str(node.get("_target_")), {})
    return {k: v for k, v in node.items() if not (k in younger and v == younger[k])}
