"""Half a cosine, against torch's own schedule and by hand."""

import math

import pytest
import torch

from tests.laws.components import build
from vaelab.errors import UserError
from vaelab.learning_rate.cosine import Cosine


@pytest.mark.parametrize("least", [0.0, 0.1])
def test_factors_are_those_of_torch(least):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=30, eta_min=least)
    mine = Cosine(epochs=30, least=least)
    for epoch in range(30):
        assert mine.factor(epoch) == pytest.approx(theirs.get_last_lr()[0], abs=1e-12)
        optimizer.step()
        theirs.step()


def test_by_hand():
    rate = build("learning_rate", "cosine", {"epochs": 8})
    assert rate.factor(0) == 1
    assert rate.factor(2) == pytest.approx(0.5 + math.sqrt(2) / 4)
    assert rate.factor(4) == pytest.approx(0.5)
    assert rate.factor(6) == pytest.approx(0.5 - math.sqrt(2) / 4)
    assert rate.factor(8) == rate.factor(7) == pytest.approx(0.0380602, abs=1e-7)


def test_a_budget_takes_the_place_of_the_epochs():
    rate = Cosine(epochs=8, least=0.2)
    assert [rate.of_budget(epoch / 8) for epoch in range(8)] == [rate.factor(e) for e in range(8)]
    assert rate.of_budget(0.5) == pytest.approx(0.6)
    assert rate.of_budget(1.0) == rate.of_budget(1.7) == pytest.approx(0.2)


@pytest.mark.parametrize("least", [-0.1, 1.0])
def test_senseless_settings_are_refused(least):
    with pytest.raises(UserError, match=rf"learning_rate\.least={least:g}: must be 0 or more"):
        build("learning_rate", "cosine", {"epochs": 8}, least=least)
