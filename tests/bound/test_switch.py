"""One bound after another: when it changes, and that training and logs follow it."""

import pytest
import torch
from small import config, make_task, train

from vaelab.bound.elbo import Elbo
from vaelab.bound.iwae import Iwae
from vaelab.bound.piwae import Piwae
from vaelab.bound.switch import Switch
from vaelab.callback import history
from vaelab.errors import UserError

ELBO = Elbo(num_samples=1, kl="sampled", free_bits=0.0, log_qz="total")


@pytest.mark.parametrize(
    ("share", "epochs", "at"),
    [(0.6, 5467, 3280), (0.6, 10, 6), (0.5, 2, 1), (0.9, 2, 1), (0.01, 20, 1), (0.99, 20, 19)],
)
def test_it_changes_after_a_share_of_the_epochs(share, epochs, at):
    second = Iwae(3)
    bound = Switch(ELBO, second, share, epochs)
    assert bound.at(at - 1) is ELBO
    assert bound.at(at) is second
    assert bound.at(0) is ELBO
    assert bound.at(epochs - 1) is second


@pytest.mark.parametrize(
    ("share", "epochs", "words"),
    [
        (0.0, 5, "bound.share=0: must lie between 0 and 1"),
        (1.0, 5, "bound.share=1: must lie between 0 and 1"),
        (0.5, 1, "epochs=1: a bound that is switched needs 2 epochs or more"),
    ],
)
def test_refusals(share, epochs, words):
    with pytest.raises(UserError, match=words):
        Switch(ELBO, Iwae(2), share, epochs)


@pytest.mark.parametrize("part", [Piwae(2, 2), Switch(ELBO, Iwae(2), 0.5, 4)])
def test_parts_log_one_value(part):
    with pytest.raises(UserError, match=r"bound.second=\w+: a part .* choose elbo, iwae"):
        Switch(ELBO, part, 0.5, 4)
    with pytest.raises(UserError, match=r"bound.first=\w+: a part"):
        Switch(part, ELBO, 0.5, 4)


SWITCHED = ("bound=iwae_then_elbo", "bound.first.K=8", "select=last", "patience=null", "epochs=4")


def test_updates_after_the_change_are_the_second_bound_s(tmp_path):
    rates = ("optimizer.phi.lr=0.01", "optimizer.theta.lr=0.01", "beta=constant")
    task = make_task(config(*SWITCHED, *rates))
    alone = {name: make_task(config(f"bound={name}", *rates, "bound.K=8" if name == "iwae" else
             "bound.num_samples=1")) for name in ("iwae", "elbo")}  # fmt: skip
    for epoch, name in ((0, "iwae"), (1, "iwae"), (2, "elbo"), (3, "elbo")):
        other = alone[name]
        other.load_state_dict(task.state_dict())
        before = [p.detach().clone() for p in task.everything]
        for one in (task, other):
            one.progress.epoch, one.progress.updates = epoch, epoch
            torch.manual_seed(epoch)
            one.descend(one.batch_at(0), "phi", "theta")
        moved = [p.grad for p in task.everything]
        assert all(torch.equal(a, b.grad) for a, b in zip(moved, other.everything, strict=True))
        assert any(not torch.equal(a, b) for a, b in zip(before, task.everything, strict=True))


def test_validation_follows(tmp_path):
    train(tmp_path, config(*SWITCHED))
    rows = history.read(tmp_path / "metrics.csv")
    gains = [row["val/bound"] - row["val/elbo"] for row in rows]
    assert min(gains[:2]) > 0.1
    assert max(abs(gain) for gain in gains[2:]) < 1e-4
