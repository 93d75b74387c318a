"""How much data a run has: as published, else by reading them."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from vaelab.build import Parts
from vaelab.dataset.limit import limited
from vaelab.dataset.tokens import TokenSplit
from vaelab.traits import Trait


@dataclass(frozen=True)
class Extent:
    """How much data there is.

    Attributes:
        updates: batches of an epoch.
        validations: batches of the validation data.
        batch: examples of a training batch, on average where they differ.
        valid_batch: of a validation batch.
        test: examples.
        length: tokens of a training sentence on average; None where data are no sentences.
    """

    updates: int
    validations: int
    batch: int
    valid_batch: int
    test: int
    length: int | None


def extent(config: Mapping[str, Any], parts: Parts) -> Extent:
    """Of a run's data; sentences are always read, since no published number says their lengths.

    Raises:
        UserError: they must be read and are not there.
    """
    sentences = Trait.TOKENS in parts.dataset.offers
    return of_sentences(config, parts) if sentences else of_examples(config, parts)


def of_sentences(config: Mapping[str, Any], parts: Parts) -> Extent:
    """Counted: sentences of one length make a batch, and of few sentences many are small."""
    splits, batch = limited(parts.dataset.load(), config["max_examples"]), config["batch_size"]
    train, valid = splits.train, splits.valid
    assert isinstance(train, TokenSplit), "token data have lengths"
    length = max(2, round(float(train.lengths.double().mean())))
    updates, validations = (len(one.batches(batch) or ()) for one in (train, valid))
    mean = round(len(train) / updates), round(len(valid) / validations)
    return Extent(updates, validations, *mean, len(splits.test), length)


def of_examples(config: Mapping[str, Any], parts: Parts) -> Extent:
    """From the sizes."""
    batch = config["batch_size"]
    train, valid, test = sizes(config, parts)
    return Extent(-(-train // batch), -(-valid // batch), batch, batch, test, None)


def sizes(config: Mapping[str, Any], parts: Parts) -> tuple[int, int, int]:
    """Training, validation and test examples: as published, else by reading the data."""
    module = f"vaelab.dataset.facts.{config['choices'].get('dataset', '')}"
    known: dict[str, tuple[int, int, int]] = {}
    if find_spec(module) is not None:
        known = importlib.import_module(module).FACTS.sizes
    protocol = config["dataset"].get("protocol", "")
    if protocol in known:
        train, valid, test = known[protocol]
        limit = config["max_examples"] or train
        return min(train, limit), min(valid, limit), test
    splits = limited(parts.dataset.load(), config["max_examples"])
    return len(splits.train), len(splits.valid), len(splits.test)
