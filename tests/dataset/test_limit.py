"""Fewer examples: which ones, of which splits, and how such a run is told from a whole one."""

import torch

from tests.small import config
from vaelab.composing.identity import config_hash
from vaelab.dataset.base import Split, Splits
from vaelab.dataset.limit import limited, reduced


def splits():
    return Splits(*(Split(torch.arange(n * 2.0).view(n, 2)) for n in (50, 20, 30)))


def test_training_and_validation_are_limited_and_the_test_split_is_whole():
    few = limited(splits(), 25)
    assert [len(split) for split in (few.train, few.valid, few.test)] == [25, 20, 30]
    assert len({tuple(row) for row in few.train.x.tolist()}) == 25
    torch.manual_seed(5)  # whatever the state of the generator, the same examples
    assert torch.equal(limited(splits(), 25).train.x, few.train.x)
    assert not torch.equal(few.train.x, splits().train.x[:25])  # files are sorted by class


def test_no_limit_changes_nothing():
    whole = splits()
    assert limited(whole, None) is whole
    assert reduced(None) == ()
    assert reduced(500) == ("reduced: 500 training examples at most",)


def test_a_run_from_before_the_setting_existed_is_found_again():
    now = config()
    before = {key: value for key, value in now.items() if key != "max_examples"}
    assert config_hash(now) == config_hash(before)
    assert config_hash(config("max_examples=50")) != config_hash(now)
