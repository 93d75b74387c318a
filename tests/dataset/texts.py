"""Text files in the forms in which they are published, written by the tests themselves."""

import random
from importlib import import_module
from pathlib import Path

import yaml

from vaelab.composing import groups

MEANS = {"yahoo": 79, "yelp": 96, "ptb": 21, "snli": 10, "short_yelp": 9}
LABELLED = ("yelp", "short_yelp")
COUNTS = (60, 12, 15)


def cls(name):
    """The class that a data set's YAML names."""
    config = yaml.safe_load(groups.options("dataset", groups.config_dir())[name].read_text())
    module, _, class_name = config["_target_"].rpartition(".")
    return getattr(import_module(module), class_name)


def sentences(count, mean, seed):
    """Word lists about `mean` words long, of words that later seeds do not all share."""
    draws = random.Random(seed)
    words = [f"w{n}" for n in range(60 * seed, 60 * seed + 200)] + ["_UNK", "é"]
    return [draws.choices(words, k=draws.randint(max(2, mean - 8), mean + 8)) for _ in range(count)]


def line(name, words):
    """A line as the data set's files have it."""
    if name in LABELLED:
        return f"{len(words) % 5}\t{' '.join(words)}\n"
    return f" {' '.join(words)} \n" if name == "ptb" else f"{' '.join(words)}\n"


def write(folder: Path, name: str):
    """{split: sentences} of three files in `folder`/`name`, with an empty line in between."""
    place = folder / name
    place.mkdir(exist_ok=True)
    held = {}
    for seed, (split, count) in enumerate(zip(("train", "valid", "test"), COUNTS, strict=True)):
        held[split] = sentences(count, MEANS[name], seed)
        lines = [line(name, words) for words in held[split]]
        text = "".join([*lines[:5], "\n", *lines[5:]])
        (place / f"{name}.{split}.txt").write_text(text, encoding="utf-8")
    return held
