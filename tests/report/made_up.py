"""Run folders written by hand: whatever a test wants to be in them, and nothing trained."""

import copy
import csv
import io
import json
from functools import cache
from pathlib import Path

import yaml
from PIL import Image

from vaelab.runs.evaluated import settings_hash

CONFIG = {
    "seed": 1,
    "epochs": 10,
    "precision": "32",
    "output_dir": "outputs",
    "threads": None,
    "dataset": {"_target_": "vaelab.dataset.digits.Digits", "split_seed": 0},
    "architecture": {"_target_": "vaelab.architecture.mlp.Mlp", "latent_dim": 40},
    "prior": {"_target_": "vaelab.prior.standard.Standard"},
    "evaluation": {"samples": 100, "examples": 500, "seed": 1, "splits": ["valid", "test"]},
    "choices": {"evaluation": "quick", "prior": "standard", "dataset": "digits"},
}
ABOUT = {
    "versions": {"vaelab": "0.1.0", "torch": "2.15.0"},
    "host": "here",
    "git_commit": "0123456789abcdef",
    "device": "cpu",
    "threads": 1,
    "labels": [],
    "cost": {"seconds": 75.0, "encoder_passes": 12345, "decoder_passes": 678},
    "model": {"epoch": 2, "select": "best"},
    "data": {"split_seed": 0},
}
ROWS = [
    {"epoch": 1, "train/bound": -40.5, "val/bound": -39.0, "val/elbo": -39.0, "val/kl": 4.0,
     "val/mi": 2.0, "val/mi_ceiling": 4.5, "val/au": 40, "beta": 0.5},
    {"epoch": 2, "train/bound": -30.5, "val/bound": -29.0, "val/elbo": -29.0, "val/kl": 5.0,
     "val/mi": 3.0, "val/mi_ceiling": 4.5, "val/au": 39, "beta": 1.0},
]  # fmt: skip


def metric(value, se=0.25, estimator="importance weighted, 100 samples", n=250, **more):
    return {"value": value, "se": se, "estimator": estimator, "samples": 100, "n": n, **more}


def measured(nll=25.0, kl=5.0, au=38):
    return {
        "nll": metric(nll),
        "kl": metric(kl, 0.125, "sampled"),
        "mi": metric(3.5, 0.25, "a mixture", ceiling=4.5),
        "au": metric(au, None, "variances", levels=[au], dims=[40]),
    }


def changed(config, changes):
    """A copy with dotted names set."""
    config = copy.deepcopy(config)
    for name, value in changes.items():
        *path, last = name.split(".") if not name.startswith("choices.") else name.split(".", 1)
        node = config
        for step in path:
            node = node.setdefault(step, {})
        node[last] = value
    return config


def write(folder: Path, changes=(), typed=(), metrics=None, rows=ROWS, figures=(), **results):
    """A complete run at `folder`, named by seed as in .../seed3."""
    folder.mkdir(parents=True)
    config = changed(CONFIG, {"seed": int(folder.name.removeprefix("seed")), **dict(changes)})
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    (folder / "overrides.yaml").write_text(yaml.safe_dump({"overrides": list(typed)}))
    found = {"test": measured()} if metrics is None else metrics
    said = {
        "status": "complete",
        "reason": None,
        "training": {"epochs": 2, "ended": "all epochs done"},
        **ABOUT,
        "metrics": found,
    }
    said |= results
    (folder / "results.json").write_text(json.dumps(said))
    names = list(dict.fromkeys(name for row in rows for name in row))
    with (folder / "metrics.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    for name in figures:
        path = folder / "figures" / name
        path.parent.mkdir(exist_ok=True)
        if path.suffix == ".txt":
            path.write_text("the food was <b>great</b> & cheap\n")
        else:
            picture(path, int(folder.name.removeprefix("seed")))
    return folder


def evaluate(folder, settings, metrics, epoch=2, named=None, **more):
    """What `vaelab evaluate` writes of a run, with its own settings but for the evaluation's.

    Under another name it is one that other settings were changed for besides.
    """
    made = {**yaml.safe_load((folder / "config.yaml").read_text())["evaluation"], **settings}
    said = {name: value for name, value in made.items() if name != "_target_"}
    record = {"metrics": metrics, "evaluation": said, "checkpoint": {"epoch": epoch}, **more}
    path = folder / f"evaluations/{named or settings_hash(made)}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(record))
    return path.stem


def picture(path: Path, seed: int) -> None:
    """A grid of grey images of 28 x 28 pixels, as samples are: 3 x 3 screen pixels each."""
    path.write_bytes(grid(seed))


@cache
def grid(seed: int) -> bytes:
    """The same for each seed: 8 x 6 blurred blots on black."""
    noise = Image.effect_noise((8 * 7, 6 * 7), 60 + seed).point(lambda one: 255 * (one > 150))
    large = noise.resize((8 * 28, 6 * 28), Image.Resampling.BILINEAR)
    file = io.BytesIO()
    large.resize((8 * 84, 6 * 84), Image.Resampling.NEAREST).convert("RGB").save(file, "PNG")
    return file.getvalue()
