"""An evaluation that is killed goes on where it was, to the numbers it would have had."""

import pytest
import torch
from torch.testing import assert_close

from tests.evaluation.linear_gaussian import LinearGaussian
from vaelab.evaluation.kept import Kept
from vaelab.evaluation.measure import measure


class Killed(Exception):
    pass


def evaluate(model, kept, stop_after=None):
    """350 examples in four parts; killed behind so many of them."""
    seen = []

    def progress(done):
        seen.append(done)
        if len(seen) == stop_after:
            raise Killed

    return measure(
        model.vae, model.posterior, model.split(350), "test", seed=3, samples=40, examples=350,
        rows=200, progress=progress, kept=kept,
    )  # fmt: skip


def same(one, other):
    assert torch.equal(one.index, other.index)
    for name in ("nll", "reconstruction", "kl", "ess"):
        assert_close(getattr(one.scores, name), getattr(other.scores, name), rtol=0, atol=0)
    assert_close(one.z, other.z, rtol=0, atol=0)
    assert_close(one.first.mean, other.first.mean, rtol=0, atol=0)
    for a, b in zip(one.variances, other.variances, strict=True):
        assert_close(a, b, rtol=0, atol=0)


@pytest.mark.parametrize("parts", [1, 3])
def test_the_same_numbers_and_nothing_twice(tmp_path, parts):
    model, path = LinearGaussian(shift=0.3), tmp_path / "test.part"
    whole = evaluate(model, None)
    model.vae.encoder.seen = 0
    with pytest.raises(Killed):
        evaluate(model, Kept(path, "epoch 7", every=0.0), stop_after=parts)
    assert model.vae.encoder.seen == 100 * parts
    kept = Kept(path, "epoch 7", every=0.0)
    same(evaluate(model, kept), whole)
    assert model.vae.encoder.seen == 350
    kept.discard()
    assert not path.exists()


def test_parts_of_other_weights_and_damaged_files_are_forgotten(tmp_path):
    model, path = LinearGaussian(shift=0.3), tmp_path / "test.part"
    evaluate(model, Kept(path, "epoch 7", every=0.0))
    assert len(Kept(path, "epoch 7").parts) == 4
    assert Kept(path, "epoch 8").parts == []
    path.write_bytes(path.read_bytes()[:100])
    assert Kept(path, "epoch 7").parts == []


def test_what_is_over_in_a_moment_writes_nothing(tmp_path):
    evaluate(LinearGaussian(), Kept(tmp_path / "below" / "test.part", "epoch 7"))
    assert list(tmp_path.iterdir()) == []
