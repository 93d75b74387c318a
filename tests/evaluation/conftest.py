"""One evaluation with every argument spelled out, for tests to vary."""

import pytest

from vaelab.evaluation.evaluate import Evaluation

SETTINGS = {
    "samples": 50,
    "examples": None,
    "splits": ["test"],
    "seed": 1,
    "epoch": None,
    "chunk": 2000,
    "block": 64,
    "mi_batch": 100,
    "au_threshold": 0.01,
    "autoregressive_samples": 50,
    "autoregressive_examples": None,
    "per_example": False,
    "marginal": None,
}


@pytest.fixture
def evaluation():
    return lambda **settings: Evaluation(**SETTINGS | settings)
