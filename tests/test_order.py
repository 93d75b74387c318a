"""Orders: every row once an epoch, a function of the seed; inner loops draw as the authors do."""

import pytest
import torch
from small import splits
from texts import sentences, text_splits

from vaelab.dataset.base import Split
from vaelab.feed import Feed
from vaelab.order import Prebuilt, Shuffled, order_of

CPU = torch.device("cpu")


def test_images_are_shuffled_and_sentences_keep_their_batches():
    assert isinstance(order_of(Split(torch.zeros(10, 3)), 4, 1), Shuffled)
    assert isinstance(order_of(sentences(), 4, 1), Prebuilt)


@pytest.mark.parametrize("order", [Shuffled(50, 8, 1, CPU), order_of(sentences(50), 8, 1)])
def test_every_row_once_an_epoch_in_an_order_of_its_own(order):
    epochs = [[order.batch(e, s).tolist() for s in range(order.steps)] for e in (0, 1, 0)]
    for batches in epochs:
        assert sorted(row for batch in batches for row in batch) == list(range(50))
    assert epochs[0] == epochs[2] != epochs[1]
    in_turn = [batch.tolist() for batch in order.in_turn()]
    assert sorted(row for batch in in_turn for row in batch) == list(range(50))


def test_sentences_of_a_batch_have_one_length_and_meet_in_the_same_batch_every_epoch():
    split = sentences(50)
    order = order_of(split, 8, 1)
    epochs = [{frozenset(order.batch(e, s).tolist()) for s in range(order.steps)} for e in range(3)]
    assert epochs[0] == epochs[1] == epochs[2]
    for batch in order.in_turn():
        assert len(split.lengths[batch].unique()) == 1
        assert len(batch) <= 8
    full = sum(-(-int(n) // 8) for n in split.lengths.bincount())
    assert order.steps == full  # only what a length leaves over makes a smaller batch


def test_random_batches_of_sentences_are_whole_batches_uniformly():
    order = order_of(sentences(50), 8, 1)
    batches = [frozenset(batch.tolist()) for batch in order.in_turn()]
    drawn = [frozenset(order.drawn(7, "inner", n).tolist()) for n in range(6000)]
    counts = torch.tensor([drawn.count(batch) for batch in batches]).double()
    assert counts.sum() == 6000  # nothing but whole batches
    expected = 6000 / len(batches)
    z = (counts - expected) / expected**0.5
    assert float(z.abs().max()) < 4.5
    assert torch.equal(order.drawn(7, "inner", 3), order.drawn(7, "inner", 3))


def test_prebuilt_batches_are_read_once_and_shuffled_ones_every_time():
    data = text_splits()
    feed = Feed(data, 8, 1, CPU)
    first = {feed.at(0, step).index[0].item(): feed.at(0, step) for step in range(4)}
    for step in range(feed.training.steps):
        again = feed.at(1, step)
        if (known := first.get(again.index[0].item())) is not None:
            assert again.x is known.x
        assert torch.equal(again.x, data.train[again.index])
        assert again.predicted == int(data.train.predicted(again.index).sum())
    images = Feed(splits(), 32, 1, CPU)
    assert not torch.equal(images.at(0, 0).x, images.at(0, 0).x)  # binarised anew
