"""A small table over stand-ins: cells that share a run, fail, are refused, and are quoted."""

import pytest

TINY = """# A table for tests
title: A tiny table
source: nowhere
certainty: made up
overrides: [epochs=3]
metric: nll
band: [-1, 1]
columns:
  ll: {label: NLL}
rows:
  plain: {label: standard prior}
  vamp: {label: VampPrior, overrides: [prior=vamp], seeds: [1, 2]}
  again: {label: the same as the first, overrides: [prior=standard]}
  broken: {label: fails, overrides: [clip_norm=666]}
  impossible: {label: cannot be, overrides: [trainer=savae, architecture=hvae]}
  other: {label: somebody else's, quoted: true}
cells:
  plain: {ll: 90.0}
  vamp: {ll: 85.0}
  again: {ll: null}
  broken: {ll: 80.0}
  impossible: {ll: 70.0}
  other: {ll: 60.0}
"""


@pytest.fixture
def tiny(lab):
    """The lab with configs/table/tiny.yaml."""
    path = lab / "configs" / "table" / "tiny.yaml"
    path.parent.mkdir()
    path.write_text(TINY)
    return lab
