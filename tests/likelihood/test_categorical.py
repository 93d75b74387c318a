"""Words from logits: PAD is no word."""

import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from tests.laws.components import TOY_TEXT, ToyData, build
from vaelab.dataset.vocabulary import PAD
from vaelab.errors import UserError
from vaelab.likelihood import words
from vaelab.traits import check


def categorical(params):
    return build("likelihood", "categorical", {"dataset": TOY_TEXT})(params)


def test_a_parameter_for_every_token_of_the_vocabulary():
    assert build("likelihood", "categorical", {"dataset": TOY_TEXT}).num_params == 4 + 7


def test_value_is_that_of_the_formula():
    # PAD's weight of 100 is not in the sum.
    weights = torch.tensor([100.0, 1.0, 2.0, 5.0]).double()
    p = categorical(weights.log().view(1, 1, 4, 1).expand(1, 1, 4, 2))
    assert float(p.log_prob(torch.tensor([[2, 3]]))) == pytest.approx(math.log(2 / 8 * 5 / 8))
    expected = torch.tensor([0.0, 1 / 8, 2 / 8, 5 / 8]).double()
    assert_close(p.log_probs().exp(), expected.expand(1, 1, 2, 4))


def test_pad_costs_nothing_and_gets_no_gradient():
    torch.manual_seed(0)
    params = torch.randn(2, 3, 11, 5, dtype=torch.float64, requires_grad=True)
    x = torch.randint(1, 11, (3, 5))
    x[1, 3:] = PAD
    log_prob = categorical(params).log_prob(x)
    assert_close(log_prob[:, 1], categorical(params[:, 1:2, :, :3]).log_prob(x[1:2, :3])[:, 0])
    (gradient,) = torch.autograd.grad(log_prob.sum(), params)
    assert float(gradient[:, 1, :, 3:].abs().max()) == 0
    nothing = categorical(params).log_prob(torch.full((3, 5), PAD))
    assert_close(nothing, torch.zeros(2, 3).double(), rtol=0, atol=0)


def test_log_prob_is_the_cross_entropy_over_all_other_tokens():
    torch.manual_seed(0)
    params = 3 * torch.randn(2, 3, 11, 5, dtype=torch.float64)
    x = torch.randint(1, 11, (3, 5))
    masked = params.clone()
    masked[:, :, PAD] = -torch.inf
    expected = [-F.cross_entropy(one, x, reduction="none").sum(-1) for one in masked]
    assert_close(categorical(params).log_prob(x), torch.stack(expected))
    log_probs = categorical(params).log_probs()
    chosen = log_probs.gather(-1, x.expand(2, 3, 5)[..., None])[..., 0]
    assert_close(chosen.sum(-1), torch.stack(expected))


def test_all_events_of_two_tokens_have_mass_one():
    torch.manual_seed(0)
    params = torch.randn(1, 1, 11, 2, dtype=torch.float64).expand(1, 100, 11, 2)
    x = torch.tensor(list(itertools.product(range(1, 11), repeat=2)))
    assert float(categorical(params).log_prob(x).exp().sum()) == pytest.approx(1, abs=1e-12)


def test_float32_keeps_the_digits_when_pad_is_unlikely_or_likely():
    torch.manual_seed(0)
    params = torch.randn(1, 1, 11, 80, dtype=torch.float64)
    x = torch.randint(1, 11, (1, 80))
    for pad in (-200.0, -20.0, 0.0, 3.0, 20.0, 200.0):
        params[:, :, PAD] = pad
        exact = float(categorical(params).log_prob(x))
        assert float(categorical(params.float()).log_prob(x)) == pytest.approx(exact, rel=1e-5)


def by_masking(params, x):
    """The same with PAD's logit at -inf, by autograd alone."""
    free = params.movedim(2, -1)[..., 1:].log_softmax(-1)
    each = free.gather(-1, (x - 1).clamp(min=0).expand(free.shape[:-1])[..., None])[..., 0]
    return each.masked_fill(x == PAD, 0.0).sum(-1)


@pytest.mark.parametrize("cached", [1, 3 * 11, 1 << 18])
@pytest.mark.parametrize("pad", [-3.0, 200.0, 2000.0])
def test_first_and_second_derivatives_are_those_of_masking(monkeypatch, cached, pad):
    # However many rows are taken at once.
    monkeypatch.setattr(words, "CACHED", cached)
    torch.manual_seed(0)
    params = 2 * torch.randn(2, 3, 11, 4, dtype=torch.float64)
    params[:, :, PAD] = pad
    params.requires_grad_()
    x = torch.randint(1, 11, (3, 4))
    x[1, 2:] = PAD
    weights, direction = torch.randn(2, 3).double(), torch.randn(2, 3, 11, 4).double()
    found = []
    for log_prob in (by_masking(params, x), categorical(params).log_prob(x)):
        fast = torch.autograd.grad(log_prob, params, weights, retain_graph=True)[0]
        slow = torch.autograd.grad(log_prob, params, weights, create_graph=True)[0]
        second = torch.autograd.grad((slow * direction).sum(), params)[0]
        found.append((log_prob.detach(), fast, slow.detach(), second))
    for expected, own in zip(*found, strict=True):
        assert_close(own, expected, rtol=1e-9, atol=1e-12)


def test_derivatives_are_finite_differences():
    torch.manual_seed(0)
    params = torch.randn(2, 3, 11, 4, dtype=torch.float64, requires_grad=True)
    x = torch.randint(0, 11, (3, 4))

    def log_prob(one):
        return categorical(one).log_prob(x)

    assert torch.autograd.gradcheck(log_prob, params)
    assert torch.autograd.gradgradcheck(log_prob, params)


def test_pad_is_never_drawn():
    params = torch.zeros(1, 1, 4, 10_000)
    params[:, :, PAD] = 50.0
    assert float(categorical(params).sample().min()) == 1


def test_data_without_words_are_refused():
    built = build("likelihood", "categorical", {"dataset": ToyData()})
    refusal = r"^likelihood=categorical cannot be used with dataset=toy: it needs token data"
    with pytest.raises(UserError, match=refusal):
        check({"dataset=toy": ToyData(), "likelihood=categorical": built})
